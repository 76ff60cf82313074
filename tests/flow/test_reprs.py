"""No value that our code makes of a chart shows it in its repr, which debuggers, asserts and crash reports print.

Every value that a function of ours returns, while a call is answered, a brief is prepared, reviewed and approved, is
asked for its repr.
"""

import re
import shutil
import sys
import threading
from contextlib import contextmanager

import pytest

from cds_service.simulator.prefetch import Offer
from tests.flow.planted import PATIENTS, WORD, PlantedPatients
from tests.flow.test_planted_words import SITES, opened
from tests.ground import standing
from tests.prepare.conftest import _signing_keys

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
OURS = re.compile(r"(cds_service\.(?!simulator)|hooks\.|discovery\.)")
ENOUGH = 40
"""Values of one type that are asked."""


@contextmanager
def watched(found):
    """Ask what functions return for its repr; `found` becomes which types showed a chart, and which did not."""
    left: dict[type, int] = {}

    def on_return(frame, event, value):
        kind = type(value)
        if event != "return" or left.get(kind) == 0 or frame.f_code.co_name == "__init__":
            return
        if kind not in left:
            is_ours = OURS.match(kind.__module__ or "") and not issubclass(kind, str)
            left[kind] = ENOUGH if is_ours else 0  # a text is a text, whatever it is called
        if left[kind]:
            left[kind] -= 1
            name = f"{kind.__module__}.{kind.__qualname__}"
            sys.setprofile(None)
            found[name] = found.get(name, False) or WORD in repr(value)
            sys.setprofile(on_return)

    threading.setprofile(on_return)
    sys.setprofile(on_return)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


async def test_no_repr_shows_a_chart(tmp_path):
    shutil.copy(_signing_keys(), tmp_path / "signing-keys.json")
    found = {}
    async with standing(tmp_path, sites=SITES, patients=PlantedPatients()) as ground:
        with watched(found):
            await ground.client().open_chart(PATIENTS[0], offer=Offer(prefetch="none"))
            page = await opened(ground, PATIENTS[0])
            await page.post("/edits", kind="add", line="visit", text=f"Of {WORD}.")
            assert (await page.approve()).status_code == 303
    assert [name for name, shows in found.items() if shows] == []
    for known in ("Context", "Ledger", "Evidence", "Brief", "HookRequest", "Sheet", "Note"):
        assert any(name.endswith(f".{known}") for name in found), known
