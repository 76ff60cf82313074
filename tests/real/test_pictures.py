"""The docs show pictures of the product as it is."""

import pytest

from .pictures import PICTURES, take_pictures


@pytest.mark.anyio
async def test_the_pictures_of_the_docs_can_be_taken(tmp_path):
    await take_pictures(tmp_path)
    assert {f.name for f in tmp_path.iterdir()} == {f.name for f in PICTURES.iterdir()}
