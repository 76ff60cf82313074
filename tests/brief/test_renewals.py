"""An order that follows another is no new medicine, where the other was not read: some servers send active ones."""

from tests.brief.charts import brief, flags, order, seen, texts

LAST = seen("2026-10-01T10:00:00-05:00")
NEWER = {"authoredOn": "2026-11-20", "priorPrescription": {"reference": "MedicationRequest/m0"}}


def before(dose="Take 1 tablet daily"):
    return order(
        "atorvastatin 20 mg", "m0", status="completed", dose=dose, authoredOn="2025-11-21"
    )


def test_an_order_whose_forerunner_was_not_read_is_neither_new_nor_left_out():
    made = brief(LAST, order("atorvastatin 20 mg", **NEWER))
    [line] = texts(made, "changes")
    assert line.startswith("Ordered again: atorvastatin 20 mg: Take 1 tablet daily")
    assert line.endswith("; the order before it was not read")
    assert flags(made, "changes") == [("renewed",)]
    assert texts(made, "attention") == []


def test_with_its_forerunner_a_renewal_is_told_nowhere_and_another_dose_is_a_change():
    assert texts(brief(LAST, order("atorvastatin 20 mg", **NEWER), before()), "changes") == []
    made = brief(LAST, order("atorvastatin 20 mg", **NEWER), before("Take 2 tablets daily"))
    assert texts(made, "changes")[0].startswith("Changed: atorvastatin 20 mg")


def test_an_order_that_follows_nothing_is_new():
    made = brief(LAST, order("atorvastatin 20 mg", authoredOn="2026-11-20"))
    assert texts(made, "changes")[0].startswith("New: atorvastatin 20 mg")
    assert texts(made, "attention") == [
        "Drug changes since the last visit: new atorvastatin 20 mg"
    ]
