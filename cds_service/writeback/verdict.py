"""What an answer to a write means. The whole table is here, and no code decides it elsewhere.

answer                        verdict      what follows
never reached the server      not_sent     try again
2xx with a location           filed        read back
2xx without one               look         search, and never send before the search is conclusive
401                           token        renew the token, else the clinician opens the app again
408, 5xx, no answer           look
409, 412                      look         somebody else stores it, or stored it
429                           later        refused unread: wait as told
any other 4xx                 refused      never sent again; a sentence for a person
"""

from collections.abc import Mapping
from typing import Literal

from cds_service.fhir.create import Posted
from cds_service.vendors.profile import NoteRules

Verdict = Literal["not_sent", "filed", "look", "token", "later", "refused"]

_SPECIAL: Mapping[int, Verdict] = {
    401: "token",
    408: "look",
    409: "look",
    412: "look",
    429: "later",
}


def judge(posted: Posted) -> Verdict:
    """Return what an answer means for the note."""
    if not posted.sent:
        return "not_sent"
    if posted.status in _SPECIAL:
        return _SPECIAL[posted.status]
    if 200 <= posted.status < 300:  # noqa: PLR2004
        return "filed" if posted.location.startswith("DocumentReference/") else "look"
    return "refused" if 400 <= posted.status < 500 else "look"  # noqa: PLR2004


_BY_STATUS: Mapping[int, str] = {
    400: "The EHR found the note invalid: an administrator compares the note's profile with the site.",
    403: "The EHR did not allow this user or this app to write notes: an administrator checks both.",
    404: "The EHR has no address for notes: an administrator checks the site's FHIR base URL.",
    405: "The EHR takes no notes by FHIR: an administrator sets another route for this site.",
    413: "The note is too long for the EHR: shorten it and approve again.",
    415: "The EHR does not take this content type: an administrator sets the note's content type.",
    422: "The EHR found a value of the note invalid: an administrator checks type, status and encounter.",
}
_EMPTY_403 = (
    "The EHR refused without a word, as it does when writing notes is not among the app's APIs:"
    " an administrator adds it."
)
_OTHERWISE = "The EHR refused the note: an administrator looks at the code below."


def reason(posted: Posted, rules: NoteRules) -> str:
    """Return the code of a refusal: the first that the vendor's profile knows, else its HTTP status."""
    known = next((code for code in posted.codes if code in rules.errors), None)
    if known is not None:
        return known
    return f"{posted.status}-empty" if posted.empty else str(posted.status)


def sentence(code: str, rules: NoteRules) -> str:
    """Return what a refusal's code tells a clinician or an admin."""
    if code in rules.errors:
        return rules.errors[code]
    if code in _OURS:
        return _OURS[code]
    if code == "403-empty":
        return _EMPTY_403
    status = code.removesuffix("-empty")
    return _BY_STATUS.get(int(status), _OTHERWISE) if status.isdecimal() else _OTHERWISE


_OURS: Mapping[str, str] = {
    "token": "The sign-in of the person who approved has ended. The approval is kept:"
    " open the app from the chart again, and the note is filed.",
    "no_answer": "The EHR did not say whether it took the note, and a search did not settle it:"
    " look into the chart, then say here whether it is there.",
    "gone": "The EHR said that it stored the note, and does not have it:"
    " look into the chart, then say here whether it is there.",
    "cannot_search": "The EHR did not say whether it took the note, and does not let us search for it:"
    " look into the chart, then say here whether it is there.",
    "several": "The EHR holds more than one note with this identifier: look into the chart.",
    "broke": "The note could not be filed and read back to the end, again and again:"
    " look into the chart, then say here whether it is there.",
    "not_reached": "The EHR could not be reached. Nothing was sent; file it again when it is back.",
    "gave_up": "The EHR failed each time and does not have the note. Nothing is in the chart;"
    " file it again later.",
    "throttled": "The EHR takes no more requests for now. Nothing was stored; file it again later.",
    "cannot_read_back": "The note was filed; the EHR does not let us read it back.",
    "another_note": "What the EHR keeps at this address is not this note: look into the chart.",
    "not_withdrawn": "The EHR did not mark the note as entered in error: do it in the chart.",
    "no_update_scope": "The app was not granted changing notes (DocumentReference.u): an administrator adds it.",
    "no_withdrawal": "This EHR lets no app take a note back: mark it as entered in error in the chart.",
    "altered": "The note in the chart is not as it was approved: look at what differs.",
}
