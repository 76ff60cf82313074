"""The pictures of the docs, taken of the product as it runs: `python -m tests.real.pictures`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from cds_service.cli.play import Demo, running

from .browser import browsing, free_port
from .test_review_browser import NARROW, WIDE, desk_standing, settled

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"


async def take_pictures(folder: Path) -> None:
    """Write every picture that the docs show into a folder."""
    with tempfile.TemporaryDirectory() as place:
        await _of_a_card(folder, Path(place))
    with tempfile.TemporaryDirectory() as place:
        await _of_a_review(folder, Path(place))


async def _of_a_card(folder: Path, place: Path) -> None:
    demo = Demo(port=free_port(), ehr_port=free_port(), data_dir=place)
    async with running(demo), browsing() as browser:
        page = await browser.new_page(viewport=WIDE)
        await page.goto(f"{demo.ehr_url}/chart/beatrice-okonkwo?site=general")
        await settled(page)
        await page.screenshot(path=folder / "card.png")


async def _of_a_review(folder: Path, place: Path) -> None:
    async with desk_standing(place) as desk:
        for name, size in (("wide", WIDE), ("panel", NARROW)):
            async with desk.tab(size=size) as page:
                await settled(page)
                await page.screenshot(path=folder / f"review-{name}.png")
                await page.goto(page.address + "/note")
                await settled(page)
                await page.screenshot(path=folder / f"review-note-{name}.png")
                await page.click("text=Approve and file")
                await page.wait_for_selector("text=Filed and read back.", timeout=15_000)
                await settled(page)
                await page.screenshot(path=folder / f"review-filed-{name}.png")


if __name__ == "__main__":
    asyncio.run(take_pictures(PICTURES))
    sys.stdout.write("wrote docs/images\n")
