"""Harold Lindqvist, 84: heart failure and atrial fibrillation on warfarin, with a long drug list.

A heart attack nine years ago left a weak heart. Since an admission fourteen months ago two drugs
stand on his list twice. A sulfa antibiotic drove the INR up five months ago.
"""

import datetime as dt

from cds_service.simulator.patients.chart import Case, Chart, Person
from cds_service.simulator.patients.medicines import prescribe, renewed, statement
from cds_service.simulator.patients.plans import care, coverage, directive
from cds_service.simulator.patients.results import measure, panel, smoking, study
from cds_service.simulator.patients.summary import (
    allergy,
    diagnosis,
    flag,
    immunize,
    order,
    problem,
    procedure,
)
from cds_service.simulator.patients.visits import book, visit

# months ago, weight, pressure, creatinine, potassium, NT-proBNP, what the cardiologist wrote
_CARDIOLOGY = (
    (66, 84.0, (134, 76), 1.18, 4.4, 1240, "NYHA II. Walks half a mile. No edema. Continue."),
    (60, 83.6, (132, 74), 1.21, 4.5, 1310, "NYHA II. Rate controlled. Continue."),
    (54, 84.4, (130, 74), 1.22, 4.6, 1290, "NYHA II. No change."),
    (48, 84.9, (128, 70), 1.27, 4.4, 1450, "NYHA II. Spironolactone 25 mg started."),
    (42, 84.1, (124, 70), 1.30, 4.9, 1380, "NYHA II. Potassium stable on spironolactone."),
    (36, 84.7, (126, 72), 1.28, 4.8, 1420, "NYHA II. No change."),
    (30, 85.0, (122, 68), 1.33, 4.7, 1610, "NYHA II-III. Furosemide 20 mg daily continued."),
    (24, 85.8, (124, 70), 1.36, 4.8, 1870, "NYHA III on stairs. Salt intake reviewed."),
    (18, 86.9, (126, 72), 1.34, 4.9, 2240, "NYHA III. 1+ ankle edema. Furosemide to 40 mg daily."),
    (13, 83.1, (112, 64), 1.52, 4.6, 1980, "After admission. Dry weight 83 kg. No edema."),
    (9, 83.4, (114, 66), 1.46, 4.9, 1720, "NYHA II-III. Weights at home 82.5 to 83.5 kg."),
    (5, 83.9, (112, 62), 1.49, 5.0, 1690, "NYHA II-III. Lightheaded on standing at times."),
    (
        1,
        85.6,
        (108, 60),
        1.58,
        5.3,
        2310,
        "Up 1.7 kg, two pillows. Recheck potassium; echo not done.",
    ),
)

_YEARLY = (
    (5, "Medication list reviewed with his wife. Drives in daylight only."),
    (4, "Cataract surgery went well. Hearing aids advised, not wanted."),
    (3, "Kidney function noted as stage 3a. No NSAIDs."),
    (2, "Hemoglobin a little lower. No bleeding seen. Appetite good."),
    (1, "Weeks after the admission. His wife fills the pill box. Colonoscopy talked over, declined."),
)  # fmt: skip

# days ago, INR: the last two years in the anticoagulation clinic
_INR = (
    (724, 2.4), (691, 2.6), (660, 2.2), (628, 2.9), (595, 2.5), (565, 1.8), (551, 2.3),
    (520, 2.6), (488, 2.4), (455, 2.8), (404, 1.7), (390, 2.1), (362, 2.5), (333, 2.7), (300, 2.4),
    (268, 2.3), (238, 2.9), (205, 2.6), (172, 2.5), (146, 5.4), (142, 3.3), (135, 2.4), (114, 2.2),
    (86, 2.7), (57, 2.9), (37, 3.1), (9, 3.6),
)  # fmt: skip


def _problems(chart: Chart) -> list[str]:
    problem(chart, "myocardial-infarction", chart.ago(years=9, months=2))
    problem(chart, "coronary-disease", chart.ago(years=9, months=2))
    heart = problem(chart, "heart-failure", chart.ago(years=8, months=10))
    rhythm = problem(chart, "atrial-fibrillation", chart.ago(years=8))
    for key, years in (
        ("hypertension", 22),
        ("hyperlipidemia", 15),
        ("hypothyroidism", 12),
        ("bph", 10),
        ("gout", 7),
        ("gerd", 6),
        ("ckd-3a", 3),
        ("iron-deficiency", 1),
    ):
        problem(chart, key, chart.ago(years=years, months=4))
    procedure(chart, "pci", chart.ago(years=9, months=2))
    procedure(chart, "cataract", chart.ago(years=4, months=3))
    return [heart, rhythm]


def _visits(chart: Chart) -> None:
    visit(
        chart,
        chart.ago(years=6, months=1),
        "hypertension",
        kind="checkup",
        bp=(138, 78),
        weight=84.5,
        height=176.0,
        note="Medicare wellness visit. Lives with his wife. Walks daily.",
    )
    for months, weight, bp, creatinine, potassium, bnp, words in _CARDIOLOGY:
        day = chart.ago(months=months, days=3)
        visit(
            chart,
            day,
            "heart-failure",
            by="okafor",
            bp=bp,
            weight=weight,
            heart_rate=chart.chance.randrange(64, 82),
            note=f"Heart failure clinic. {words}",
        )
        bun = 19 + 28 * (creatinine - 1.1)
        panel(chart, day, "bmp", creatinine=creatinine, potassium=potassium, bun=bun)
        measure(chart, day, nt_probnp=bnp)
    for years, words in _YEARLY:
        day = chart.ago(years=years, months=1, days=10)
        visit(
            chart,
            day,
            "hypertension",
            kind="checkup",
            bp=(126, 70),
            weight=84.9 - 0.1 * years,
            note=f"Yearly visit. {words}",
        )
        panel(
            chart,
            day,
            "lipids",
            cholesterol=146 + 2 * years,
            triglycerides=104 + 3 * years,
            hdl=43,
        )
        panel(chart, day, "cbc", hemoglobin=13.1 - 0.4 * (5 - years), mcv=91 - 2 * (5 - years))
        measure(chart, day, tsh=2.4 + 0.1 * years)
    for days, inr in _INR:
        panel(chart, chart.ago(days=days), "pt-inr", inr=inr)


def _admission(chart: Chart) -> None:
    day = chart.ago(months=14, days=6)
    stay = visit(
        chart,
        day,
        "heart-failure",
        kind="inpatient",
        by="mbeki",
        days=5,
        bp=(148, 84),
        weight=90.2,
        spo2=89,
        heart_rate=112,
        resp_rate=26,
        note="Admitted with dyspnea and 6 kg weight gain after a week of restaurant meals. IV "
        "furosemide, 6.9 kg lost. Discharge weight 83.3 kg. Discharged on furosemide 40 mg twice "
        "daily. Toprol-XL 25 mg and Lipitor 20 mg given on the hospital formulary.",
    )
    panel(chart, stay.day, "bmp", creatinine=1.71, potassium=4.2, bun=38)
    panel(chart, stay.day, "cbc", hemoglobin=11.0, mcv=79)
    measure(chart, stay.day, nt_probnp=6420, troponin=31, ferritin=18, magnesium=1.8)
    study(chart, stay.day, "chest-xray", "Cardiomegaly with pulmonary vascular congestion.")
    found = measure(chart, stay.day, lvef=32)
    study(
        chart,
        stay.day,
        "echo",
        "LVEF 32 percent, dilated left ventricle, inferior akinesis, "
        "moderate mitral regurgitation.",
        results=found,
        section="CUS",
    )


def _medicines(chart: Chart) -> None:
    home = chart.ago(months=14, days=6) + dt.timedelta(days=5)
    renewed(
        chart,
        "warfarin-5",
        1,
        "bedtime",
        chart.ago(years=5, months=2),
        by="sato",
        how="separate",
        why="atrial-fibrillation",
        note="5 mg daily except 2.5 mg Monday and Friday. INR goal 2 to 3",
    )
    for key, times, since, why in (
        ("metoprolol-50", "daily", chart.ago(years=4), "heart-failure"),
        ("lisinopril-10", "daily", chart.ago(years=3, months=2), "heart-failure"),
        ("spironolactone-25", "daily", chart.ago(months=48, days=3), "heart-failure"),
        ("digoxin", "daily", chart.ago(years=2, months=1), "atrial-fibrillation"),
        ("atorvastatin-40", "bedtime", chart.ago(years=3), "hyperlipidemia"),
    ):
        renewed(chart, key, 1, times, since, by="okafor", why=why)
    for key, since, until in (
        ("furosemide-20", chart.ago(months=60, days=3), chart.ago(months=18, days=3)),
        ("furosemide-40", chart.ago(months=18, days=3), home),
    ):
        prescribe(
            chart, key, 1, "daily", since, until=until, stopped="Dose increased", by="okafor"
        )
    for key, times, why in (
        ("furosemide-40", "bid", "heart-failure"),
        ("toprol-25", "daily", "heart-failure"),
        ("lipitor-20", "bedtime", "hyperlipidemia"),
        ("ferrous-sulfate", "alternate", "iron-deficiency"),
    ):
        prescribe(chart, key, 1, times, home, by="mbeki", why=why)
    prescribe(chart, "potassium-10", 1, "daily", home, by="mbeki", how="contained")
    for key, times, why in (
        ("levothyroxine-75", "morning", "hypothyroidism"),
        ("tamsulosin", "bedtime", "bph"),
        ("allopurinol-100", "daily", "gout"),
        ("pantoprazole-40", "morning", "gerd"),
    ):
        prescribe(chart, key, 1, times, chart.ago(months=13), why=why)
    prescribe(chart, "nitroglycerin", 1, "chest-pain", chart.ago(months=9, days=3), by="okafor")
    prescribe(chart, "senna", 2, "bedtime", chart.ago(months=13), why="Constipation")
    said = chart.ago(months=1, days=3)
    statement(chart, "acetaminophen", 2, "pain", said, how="separate")
    statement(
        chart, "coumadin", 1, "bedtime", said, note="Wife reads Coumadin 5 mg off the bottle"
    )


def _antibiotic(chart: Chart) -> None:
    day = chart.ago(days=152)
    visit(
        chart,
        day,
        "cystitis",
        bp=(118, 66),
        weight=83.8,
        temp=37.9,
        note="Dysuria and frequency for three days. Treated; INR check within a week.",
    )
    diagnosis(chart, "cystitis", day)
    study(chart, day, "urine-culture", "Escherichia coli, more than 100,000 CFU/mL.")
    high = chart.ago(days=146)
    prescribe(chart, "trimethoprim-sulfa", 1, "bid", day, until=high, stopped="INR 5.4")
    visit(
        chart,
        high,
        "INR above range",
        kind="video",
        by="sato",
        note="INR 5.4 on day six of trimethoprim-sulfamethoxazole. No bleeding. Two doses of "
        "warfarin held, antibiotic stopped, repeat in four days.",
    )
    flag(chart, "Warfarin: INR 5.4 with trimethoprim-sulfa; avoid", high, category="drug")


def build(chart: Chart) -> None:
    """Write the chart."""
    coverage(chart, chart.ago(years=19), "Medicare Part B")
    _visits(chart)
    _admission(chart)
    about = _problems(chart)
    _medicines(chart)
    _antibiotic(chart)
    allergy(chart, "codeine", chart.ago(years=11), "nausea", "mild")
    allergy(chart, "contrast", chart.ago(years=9, months=2), "hives", "moderate")
    measure(chart, chart.ago(months=1, days=3), digoxin=1.2, hemoglobin=10.9, ferritin=24)
    smoking(chart, chart.ago(years=1, months=1, days=10), "former")
    earlier = chart.ago(years=3, months=2)
    found = measure(chart, earlier, lvef=38)
    study(chart, earlier, "echo", "LVEF 38 percent.", results=found, section="CUS")
    order(chart, "echo", chart.ago(months=5, days=3), why="heart-failure")
    order(chart, "bmp", chart.ago(months=1, days=3), why="Potassium 5.3 mmol/L")
    immunize(chart, "flu-high-dose", *(chart.last(10, 6, years=each) for each in range(7)))
    immunize(chart, "pcv20", chart.ago(years=2, months=8))
    immunize(chart, "covid", chart.last(10, 6), chart.last(10, 6, years=1))
    immunize(chart, "rsv", chart.last(9, 22, years=1))
    flag(chart, "Falls risk: walker, lightheaded on standing", chart.ago(months=5, days=3))
    directive(
        chart, chart.ago(months=13), "Do not intubate. Health care agent: wife, Greta Lindqvist."
    )
    care(
        chart,
        chart.ago(months=13),
        "Keep home weight between 82.5 and 84 kg. Weigh daily; call for a gain of 1.5 kg.",
        about,
        okafor="Cardiologist",
        adler="Primary care",
        sato="Anticoagulation pharmacist",
    )
    book(chart, 1, "heart-failure", by="okafor", description="Heart failure, drug list review")


PERSON = Person(
    "harold-lindqvist",
    "Harold",
    "Lindqvist",
    "male",
    84,
    (4, 17),
    "MRN1001",
    "12 Birch Sample Lane",
)
CASE = Case(
    PERSON, "Heart failure and atrial fibrillation on warfarin, 17 active prescriptions", build
)
