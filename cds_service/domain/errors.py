"""Every reason why a call stops, raised where it is known and translated once (`http/problems.py`).

    CdsError
    ├── NotJson, BadCall                       the caller sent what cannot be read
    ├── NotTrusted, NotAllowed                 who calls, and may they
    ├── UnknownSite, UnknownService            there is no such address
    ├── TooLarge, WrongMediaType, TooSlow      the body is refused unread, or did not come
    ├── Overloaded                             try again later
    ├── Conflict                               somebody was faster, or what was on the screen is no longer so
    ├── MissingContext                         the patient cannot be had
    ├── NoToken                                an EHR's authorization server gives us none
    ├── SignInFailed                           a person has to open the app again
    ├── NothingToSay                           a decision, answered with an empty list of cards
    └── Misconfigured                          the operator's mistake, told in one sentence

An error's text never holds a value from a request or a chart: it names fields, keys and codes.
"""

_MOST_OF_A_CLAIM = 256


class CdsError(Exception):
    """Stops a call for a reason that has a stable `code`, which an IT desk can quote."""

    code = "error"
    advice = "The service could not answer."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.advice)
        self.detail = detail


class NotJson(CdsError):
    """The body is not JSON."""

    code = "not_json"
    advice = "The body is not JSON, or nests too deeply."


class BadCall(CdsError):
    """The body is JSON but breaks a rule of CDS Hooks that we cannot do without."""

    code = "bad_call"
    advice = "A required member is missing or has the wrong type."


class NotTrusted(CdsError):
    """The bearer token proves nobody. `detail` and `theirs` are for our audit, never for the caller."""

    code = "not_trusted"
    advice = "The caller could not be authenticated."

    def __init__(self, detail: str = "", *, theirs: object = "") -> None:
        super().__init__(detail)
        self.theirs = str(theirs)[:_MOST_OF_A_CLAIM] if str(theirs).isprintable() else ""
        """The claim that was wrong, as it was sent: an admin compares it with the right one."""


class NotAllowed(CdsError):
    """A verified caller asks for what its site may not have."""

    code = "not_allowed"
    advice = "The caller is not allowed to use this service."


class UnknownSite(CdsError):
    """There is no site of that name."""

    code = "unknown_site"
    advice = "There is no such address."


class UnknownService(CdsError):
    """There is no such service, or this site did not enable it."""

    code = "unknown_service"
    advice = "There is no such address."


class TooLarge(CdsError):
    """The body is larger than the operator allows."""

    code = "too_large"
    advice = "The body is too large."


class WrongMediaType(CdsError):
    """The body is not declared as JSON."""

    code = "wrong_media_type"
    advice = "Send application/json."


class TooSlow(CdsError):
    """The body did not arrive within the time that it has."""

    code = "too_slow"
    advice = "The body did not arrive in time."


class Overloaded(CdsError):
    """More calls are in flight than this process takes."""

    code = "overloaded"
    advice = "Too many calls are in flight. Try again in a moment."


class StorageAway(CdsError):
    """The database that several processes share is away, so that no token can be proven to be new."""

    code = "storage_away"
    advice = "The service cannot reach its database. Try again in a moment."


class Conflict(CdsError):
    """A decision about a brief that is no longer what the person saw, or was decided by another."""

    code = "conflict"
    advice = "The brief changed meanwhile; nothing was changed by you."


class MissingContext(CdsError):
    """Needed data cannot be had: neither prefetched nor readable (CDS Hooks 2.0.1: 412)."""

    code = "missing_context"
    advice = "The patient could be read neither from prefetch nor from the FHIR server."


class NoToken(CdsError):
    """The EHR's authorization server gave us no access token; `detail` is a reason code."""

    code = "no_token"
    advice = "The EHR gave us no access token."


class SignInFailed(CdsError):
    """A SMART launch was not believed. `detail` is a reason code for our audit."""

    code = "sign_in_failed"
    advice = "The sign-in could not be completed."


class NothingToSay(CdsError):
    """An empty answer, on purpose. `detail` names the reason for the audit."""

    code = "nothing_to_say"
    advice = "Nothing to say."


class Misconfigured(CdsError):
    """A setting, a site file or a vendor profile is wrong; the detail says what to do."""

    code = "misconfigured"
    advice = "The configuration is wrong."
