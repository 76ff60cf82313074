"""What the audit keeps of how a call was made: names and numbers, so that a wrong registration can be told."""

import re

from cds_service.audit.log import Fact
from cds_service.domain.call import HookRequest
from cds_service.sites import Site

_NAME = re.compile(r"[\w.-]{1,64}")
_MOST = 60


def shape(request: HookRequest, site: Site) -> dict[str, Fact | None]:
    """Return the prefetch keys that came, how long the lent token lives, and the vendor's trigger.

    Keys, in one string, are what an admin typed. One that does not look like a name is left out, and so are all
    values.
    """
    granted = request.authorization
    named = site.profile.hook.trigger_extension
    trigger = str(request.extension.get(named, "")) if named else ""
    keys = [key for key in request.prefetch if _NAME.fullmatch(key)]
    return {
        "prefetch": " ".join(keys[:_MOST]),
        "token_s": granted.expires_in if granted else None,
        "trigger": trigger if _NAME.fullmatch(trigger) else None,
        "bare": True if not keys and granted is None else None,
        "mode": site.file.mode if site.file.mode != "live" else None,
    }
