"""Susan Hallberg, 49: breast cancer four years ago, then capecitabine, now tamoxifen.

Receptor-positive cancer with some left after chemotherapy: surgery, radiation, eight cycles of
capecitabine with hand-foot syndrome and a dose cut, tamoxifen since. The genetics referral has
been open for ten months.
"""

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import course, prescribe, renewed, statement
from cds_service.simulator.patients.plans import care, coverage, directive, family
from cds_service.simulator.patients.results import measure, panel, say, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    immunize,
    order,
    problem,
    procedure,
    refer,
)
from cds_service.simulator.patients.terms import LOINC, SNOMED, concept
from cds_service.simulator.patients.visits import book, visit

# months ago, weight, pressure, leukocytes, neutrophils, hemoglobin, platelets, ALT, what was written
_ONCOLOGY = (
    (50, 70.2, (124, 76), 6.8, 4.1, 13.4, 262, 21, "New left breast cancer. Chemotherapy first."),
    (48, 69.4, (118, 72), 4.1, 2.0, 11.8, 231, 26, "Cycle 2 of doxorubicin and cyclophosphamide."),
    (46, 68.8, (116, 70), 3.4, 1.6, 10.9, 204, 31, "Paclitaxel, week 3. Fingertips numb."),
    (42, 69.0, (118, 72), 4.6, 2.7, 11.6, 228, 24, "After lumpectomy: 0.9 cm left, nodes clear."),
    (39, 69.3, (120, 74), 5.0, 3.0, 12.0, 240, 23, "Radiation finished. Capecitabine starts."),
    (37, 68.9, (118, 72), 4.2, 2.4, 11.7, 198, 29, "Red, sore palms, grade 2. Dose cut to 1,500 mg."),
    (35, 69.1, (118, 74), 4.0, 2.2, 11.6, 190, 28, "Palms better. Cycle 5."),
    (33, 69.5, (120, 74), 4.3, 2.5, 11.9, 205, 27, "Capecitabine finished, eight cycles. Tamoxifen starts."),
    (27, 71.0, (122, 76), 5.4, 3.2, 12.7, 236, 22, "Hot flashes. No sign of recurrence."),
    (21, 72.3, (124, 78), 5.8, 3.4, 13.0, 244, 20, "Well. No sign of recurrence."),
    (15, 72.9, (122, 76), 6.0, 3.5, 13.1, 251, 22, "Well. Sister, 45, has breast cancer too."),
    (10, 73.1, (124, 78), 6.1, 3.6, 13.2, 248, 23, "Genetics referral placed."),
    (4, 73.6, (126, 78), 6.2, 3.7, 13.3, 255, 24, "Well. Mammogram due; genetics not heard from."),
)  # fmt: skip


def _treatment(chart: Chart) -> str:
    begun = chart.ago(months=50, days=9)
    cancer = problem(
        chart,
        "breast-cancer",
        begun,
        stage=[{"summary": {"text": "Stage IIA (T2 N0 M0) at diagnosis"}}],
        bodySite=[concept(SNOMED, "80248007", "Left breast structure")],
    )
    results = [
        say(
            chart,
            begun,
            name,
            concept(LOINC, code, display),
            concept(SNOMED, "10828004", "Positive"),
        )
        for name, code, display in (
            ("estrogen-receptor", "16112-5", "Estrogen receptor [Interpretation] in Tissue"),
            (
                "progesterone-receptor",
                "16113-3",
                "Progesterone receptor [Interpretation] in Tissue",
            ),
        )
    ]
    study(
        chart,
        begun,
        "pathology",
        "Invasive ductal carcinoma, grade 2, ER 90 percent, PR 60 percent, HER2 1+ (negative).",
        results=results,
    )
    procedure(
        chart,
        "chemotherapy",
        chart.ago(months=48, days=9),
        note=[
            {
                "text": "Doxorubicin and cyclophosphamide, four cycles, then weekly paclitaxel, twelve"
            }
        ],
    )
    procedure(chart, "lumpectomy", chart.ago(months=43))
    procedure(chart, "sentinel-biopsy", chart.ago(months=43))
    procedure(
        chart, "radiotherapy", chart.ago(months=40), note=[{"text": "50 Gy in 25 fractions"}]
    )
    full, cut, end = (chart.ago(months=months, days=9) for months in (39, 37, 33))
    prescribe(
        chart,
        "capecitabine",
        4,
        "bid",
        full,
        by="haddad",
        until=cut,
        why="breast-cancer",
        stopped="Hand-foot syndrome, dose reduced",
        note="2,000 mg, days 1 to 14 of each 21-day cycle, after food",
    )
    prescribe(
        chart,
        "capecitabine",
        3,
        "bid",
        cut,
        by="haddad",
        until=end,
        why="breast-cancer",
        note="1,500 mg, days 1 to 14 of each 21-day cycle, after food",
    )
    problem(chart, "hand-foot", cut, until=chart.ago(months=32))
    renewed(
        chart, "tamoxifen-10", 2, "daily", end, by="haddad", why="breast-cancer", how="separate"
    )
    prescribe(
        chart,
        "ondansetron-4",
        2,
        "nausea",
        chart.ago(months=50, days=2),
        by="haddad",
        until=end,
        stopped="Chemotherapy finished",
    )
    return cancer


def _visits(chart: Chart) -> None:
    chart.heights[chart.birth] = 167.0
    for years in (7, 6, 5):
        day = chart.ago(years=years, months=1)
        visit(
            chart, day, "Yearly visit", kind="checkup", bp=(120, 74), weight=68.9, note="Healthy."
        )
        panel(chart, day, "lipids")
        study(chart, day, "mammogram", "BI-RADS 2, benign.")
    for months, weight, bp, wbc, neutrophils, hemoglobin, platelets, alt, words in _ONCOLOGY:
        day = chart.ago(months=months, days=9)
        visit(
            chart,
            day,
            "breast-cancer",
            by="haddad",
            bp=bp,
            weight=weight,
            note=f"Oncology. {words}",
        )
        panel(chart, day, "cbc", wbc=wbc, hemoglobin=hemoglobin, platelets=platelets)
        panel(chart, day, "cmp", alt=alt)
        measure(chart, day, neutrophils=neutrophils)


def _since(chart: Chart) -> None:
    problem(chart, "anxiety", chart.ago(months=27, days=9))
    problem(chart, "vitamin-d", chart.ago(months=21, days=9))
    diagnosis(chart, "sinusitis", chart.ago(months=13))
    renewed(
        chart,
        "gabapentin-300",
        1,
        "bedtime",
        chart.ago(months=27, days=9),
        by="haddad",
        why="Hot flashes",
    )
    statement(chart, "acetaminophen", 2, "pain", chart.ago(months=4, days=9))
    course(chart, "azithromycin", 1, "daily", chart.ago(months=13), days=5, why="sinusitis")
    for months in (27, 15):
        measure(chart, chart.ago(months=months, days=9), ca_27_29=19 + months / 9, vitamin_d=28)
    for months in (38, 27, 15):
        study(
            chart,
            chart.ago(months=months, days=2),
            "mammogram",
            "BI-RADS 2. Changes after surgery on the left.",
        )
    study(chart, chart.ago(months=20), "bone-density", "T-score -1.1 at the spine.")


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=6), "Prairie Choice PPO")
    _visits(chart)
    cancer = _treatment(chart)
    _since(chart)
    refer(chart, "genetics", chart.ago(months=10, days=9), why="breast-cancer")
    order(chart, "mammogram", chart.ago(months=4, days=9), why="breast-cancer")
    allergy(chart, "penicillin", chart.ago(years=20), "hives", "moderate")
    family(chart, chart.ago(months=15, days=9), ("SIS", "sister"), "Breast cancer", 45)
    family(chart, chart.ago(months=50, days=9), ("MTHSIS", "maternal aunt"), "Ovarian cancer", 57)
    directive(chart, chart.ago(months=43, days=5), "Health care agent: husband, Erik Hallberg.")
    smoking(chart, chart.ago(months=4, days=9), "never")
    immunize(chart, "flu", *(chart.last(10, 11, years=each) for each in range(6)))
    immunize(chart, "pcv20", chart.ago(months=30))
    care(
        chart,
        chart.ago(months=33, days=9),
        "Five to ten years of tamoxifen. Mammogram every year, visit "
        "every six months, no strong CYP2D6 blockers.",
        [cancer],
        haddad="Oncologist",
        adler="Primary care",
    )
    book(chart, 2, "breast-cancer", by="haddad", description="Survivorship visit")


PERSON = Person(
    "susan-hallberg",
    "Susan",
    "Hallberg",
    "female",
    49,
    (2, 14),
    "MRN1011",
    "83 Linden Sample Circle",
)
CASE = Case(
    PERSON,
    "Breast cancer survivor on tamoxifen, capecitabine before, genetics referral open",
    build,
)
