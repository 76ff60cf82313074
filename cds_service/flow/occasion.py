"""Whether this is a moment for cards at all: an empty answer is a decision, made here."""

from dataclasses import replace

from cds_service.card import Answered
from cds_service.domain.call import HookRequest
from cds_service.domain.errors import NothingToSay
from cds_service.sites import Site

_CLINICIANS = frozenset({"Practitioner", "PractitionerRole", ""})


def check_occasion(request: HookRequest, site: Site) -> None:
    """Check that this call wants cards. Raises `NothingToSay` with the reason for the audit.

    A site that is off, a patient or relative as the user, and a trigger that this site does not answer
    (Epic sends other moments under the name `patient-view`) all get a correct empty answer at once.
    """
    if site.file.mode == "off":
        raise NothingToSay("site_off")
    if request.user.partition("/")[0] not in _CLINICIANS:
        raise NothingToSay("user_is_no_clinician")
    named = site.profile.hook.trigger_extension
    trigger = request.extension.get(named) if named else None
    if trigger is not None and str(trigger) not in site.triggers:
        raise NothingToSay("trigger_not_answered")


def shown(answered: Answered, site: Site) -> Answered:
    """Return what the EHR gets to see: nothing in shadow mode, where everything else has run."""
    return replace(answered, cards=()) if site.file.mode == "shadow" else answered
