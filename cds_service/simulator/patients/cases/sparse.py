"""Two charts with almost nothing in them: Iris Calloway, a new patient, and Tobias Quill, a name."""

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import statement
from cds_service.simulator.patients.plans import coverage
from cds_service.simulator.patients.visits import book


def _new_patient(chart: Chart) -> None:
    coverage(chart, chart.ago(months=1), "Prairie Choice HMO")
    statement(chart, "losartan-50", 1, "daily", chart.ago(days=6), note="From the intake form")
    book(chart, 0, "New patient, blood pressure", minutes=45)


def _nothing(chart: Chart) -> None:
    del chart


NEW = Case(
    Person(
        "iris-calloway", "Iris", "Calloway", "female", 38, (5, 19), "MRN1005", "5 Cedar Sample Way"
    ),
    "New patient: intake form and first appointment only",
    _new_patient,
)
EMPTY = Case(
    Person(
        "tobias-quill", "Tobias", "Quill", "male", 27, (12, 1), "MRN1006", "90 Aspen Sample Road"
    ),
    "Registered, nothing else in the chart",
    _nothing,
)
