"""The short form of the write-back soak: notes are filed through every fault while processes are killed."""

from tests.soak import writeback


def test_no_note_is_doubled_or_lost_without_a_word_whatever_the_ehr_does():
    figures = writeback.run(1, short=True)
    assert [f"{each.name}: {each.value}" for each in figures if each.met is False] == []
    kills = [each.value for each in figures if "kills" in each.name]
    assert len(kills) == 2
    assert min(kills) >= 1
