"""List the measurements and panels that charts record: LOINC code, UCUM unit, adult reference range.

Codes are from LOINC (https://loinc.org); ranges are common adult ranges of American laboratories.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Test:
    """One measurable quantity, its unit, its usual range, and the limits that a laboratory phones in."""

    loinc: str
    display: str
    unit: str
    low: float | None = None
    high: float | None = None
    places: int = 0
    critical: tuple[float, float] = (float("-inf"), float("inf"))
    usual: tuple[float, float] | None = None


TESTS = {
    # vital signs
    "heart-rate": Test("8867-4", "Heart rate", "/min", 60, 100, usual=(64, 84)),
    "resp-rate": Test("9279-1", "Respiratory rate", "/min", 12, 20, usual=(13, 17)),
    "temp": Test("8310-5", "Body temperature", "Cel", 36.1, 37.5, 1, usual=(36.4, 36.9)),
    "spo2": Test(
        "2708-6", "Oxygen saturation in Arterial blood", "%", 95, 100, usual=(96, 99)
    ),
    "weight": Test("29463-7", "Body weight", "kg", places=1),
    "height": Test("8302-2", "Body height", "cm", places=1),
    "bmi": Test("39156-5", "Body mass index (BMI) [Ratio]", "kg/m2", places=1),
    "bmi-percentile": Test(
        "59576-9", "Body mass index (BMI) [Percentile] Per age and sex", "%"
    ),
    "head-circumference": Test(
        "9843-4", "Head Occipital-frontal circumference", "cm", places=1
    ),
    "pain": Test(
        "72514-3", "Pain severity - 0-10 verbal numeric rating [Score] - Reported", "{score}"
    ),
    # chemistry
    "sodium": Test(
        "2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 135, 145, 0, (120, 160)
    ),
    "potassium": Test(
        "2823-3",
        "Potassium [Moles/volume] in Serum or Plasma",
        "mmol/L",
        3.5,
        5.1,
        1,
        (2.8, 6.0),
        (3.9, 4.6),
    ),
    "chloride": Test(
        "2075-0", "Chloride [Moles/volume] in Serum or Plasma", "mmol/L", 98, 107, 0
    ),
    "co2": Test(
        "2028-9", "Carbon dioxide, total [Moles/volume] in Serum or Plasma", "mmol/L", 22, 29
    ),
    "bun": Test(
        "3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", "mg/dL", 7, 20, usual=(10, 18)
    ),
    "creatinine": Test(
        "2160-0",
        "Creatinine [Mass/volume] in Serum or Plasma",
        "mg/dL",
        0.6,
        1.3,
        2,
        (0, 7.5),
        (0.7, 0.95),
    ),
    "egfr": Test(
        "98979-8",
        "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or "
        "Blood by Creatinine-based formula (CKD-EPI 2021)",
        "mL/min/{1.73_m2}",
        60,
        None,
    ),
    "glucose": Test(
        "2345-7",
        "Glucose [Mass/volume] in Serum or Plasma",
        "mg/dL",
        70,
        99,
        0,
        (45, 450),
        (82, 98),
    ),
    "calcium": Test(
        "17861-6", "Calcium [Mass/volume] in Serum or Plasma", "mg/dL", 8.6, 10.3, 1, (6.5, 13)
    ),
    "albumin": Test("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL", 3.5, 5.0, 1),
    "alt": Test(
        "1742-6",
        "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
        "U/L",
        7,
        55,
        usual=(14, 32),
    ),
    "ast": Test(
        "1920-8",
        "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
        "U/L",
        8,
        48,
        usual=(15, 30),
    ),
    "alp": Test(
        "6768-6",
        "Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma",
        "U/L",
        40,
        129,
        usual=(55, 95),
    ),
    "bilirubin": Test(
        "1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "mg/dL", 0.1, 1.2, 1,
        usual=(0.3, 0.9),
    ),
    "magnesium": Test(
        "19123-9", "Magnesium [Mass/volume] in Serum or Plasma", "mg/dL", 1.7, 2.4, 1
    ),
    "phosphate": Test(
        "2777-1", "Phosphate [Mass/volume] in Serum or Plasma", "mg/dL", 2.5, 4.5, 1
    ),
    "uric-acid": Test("3084-1", "Urate [Mass/volume] in Serum or Plasma", "mg/dL", 3.4, 7.0, 1),
    "nt-probnp": Test(
        "33762-6",
        "Natriuretic peptide.B prohormone N-Terminal [Mass/volume] in Serum or Plasma",
        "pg/mL",
        None,
        450,
    ),
    "digoxin": Test(
        "10535-3", "Digoxin [Mass/volume] in Serum or Plasma", "ng/mL", 0.5, 0.9, 1, (0, 2.0)
    ),
    "tsh": Test(
        "3016-3", "Thyrotropin [Units/volume] in Serum or Plasma", "m[IU]/L", 0.4, 4.0, 2,
        usual=(1.2, 2.9),
    ),
    "ferritin": Test("2276-4", "Ferritin [Mass/volume] in Serum or Plasma", "ng/mL", 30, 400),
    "b12": Test(
        "2132-9", "Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma", "pg/mL", 232, 1245
    ),
    "pth": Test(
        "2731-8", "Parathyrin.intact [Mass/volume] in Serum or Plasma", "pg/mL", 15, 65
    ),
    "vitamin-d": Test(
        "1989-3", "25-hydroxyvitamin D3 [Mass/volume] in Serum or Plasma", "ng/mL", 30, 100
    ),
    "ca-27-29": Test("17842-6", "Cancer Ag 27-29 [Units/volume] in Serum or Plasma", "U/mL", 0, 38),
    "troponin": Test(
        "89579-7",
        "Troponin I.cardiac [Mass/volume] in Serum or Plasma by High sensitivity method",
        "ng/L",
        None,
        20,
    ),
    "crp": Test(
        "1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L", 0, 8, 1
    ),
    # diabetes, lipids, urine
    "a1c": Test(
        "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 4.0, 5.6, 1, usual=(5.1, 5.5)
    ),
    "cholesterol": Test(
        "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", None, 200,
        usual=(150, 195),
    ),
    "triglycerides": Test(
        "2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "mg/dL", None, 150,
        usual=(80, 140),
    ),
    "hdl": Test(
        "2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "mg/dL", 40, None,
        usual=(44, 62),
    ),
    "ldl": Test(
        "13457-7",
        "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation",
        "mg/dL",
        None,
        130,
    ),
    "acr": Test("9318-7", "Albumin/Creatinine [Mass Ratio] in Urine", "mg/g{creat}", None, 30),
    # blood count and clotting
    "wbc": Test(
        "6690-2",
        "Leukocytes [#/volume] in Blood by Automated count",
        "10*3/uL",
        4.0,
        11.0,
        1,
        (1.5, 30),
        (5.0, 8.5),
    ),
    "hemoglobin": Test(
        "718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 12.0, 17.0, 1, (7.0, 20.0),
        (13.0, 14.8),
    ),
    "hematocrit": Test(
        "4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", "%", 36, 50, 1
    ),
    "mcv": Test(
        "787-2", "MCV [Entitic mean volume] in Red Blood Cells by Automated count", "fL", 80, 100
    ),
    "platelets": Test(
        "777-3",
        "Platelets [#/volume] in Blood by Automated count",
        "10*3/uL",
        150,
        400,
        0,
        (30, 1000),
        (190, 320),
    ),
    "neutrophils": Test(
        "751-8", "Neutrophils [#/volume] in Blood by Automated count", "10*3/uL", 1.8, 7.7, 1,
        (0.5, 30),
    ),
    "inr": Test(
        "6301-6", "INR in Platelet poor plasma by Coagulation assay", "{INR}", 0.9, 1.1, 1, (0, 4.9)
    ),
    "pt": Test(
        "5902-2", "Prothrombin time (PT)", "s", 9.4, 12.5, 1
    ),
    # heart and lungs
    "lvef": Test("10230-1", "Left ventricular Ejection fraction", "%", 52, 74),
    "fev1": Test("20150-9", "FEV1", "L", places=2),
    "fvc": Test("19868-9", "Forced vital capacity [Volume] Respiratory system by Spirometry", "L", places=2),
    "fev1-fvc": Test("19926-5", "FEV1/FVC", "%", 70, None),
    "peak-flow": Test(
        "33452-4", "Maximum expiratory gas flow Respiratory system airway by Peak flow meter",
        "L/min",
    ),
    # pregnancy
    "gestational-age": Test("18185-9", "Gestational age", "wk"),
    "fundal-height": Test("11881-0", "Uterus Fundal height Tape measure", "cm"),
    "fetal-heart-rate": Test("55283-6", "Fetal Heart rate", "/min", 110, 160),
    "gct": Test(
        "1504-0",
        "Glucose [Mass/volume] in Serum or Plasma --1 hour post 50 g glucose PO",
        "mg/dL",
        None,
        140,
    ),
    "rubella": Test(
        "5334-8", "Rubella virus IgG Ab [Units/volume] in Serum by Immunoassay", "[IU]/mL", 10, None
    ),
    # children
    "lead": Test("5671-3", "Lead [Mass/volume] in Blood", "ug/dL", None, 3.5, 1),
    "ige": Test("19113-0", "IgE [Units/volume] in Serum or Plasma", "[IU]/mL", None, 90),
    # questionnaires
    "phq2": Test("55758-7", "Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]", "{score}", 0, 2),
    "phq9": Test("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]", "{score}", 0, 4),
    "gad7": Test("70274-6", "Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]", "{score}", 0, 4),
    "audit-c": Test("75626-2", "Total score [AUDIT-C]", "{score}", 0, 3),
    "pack-years": Test("8664-5", "Cigarettes smoked total (pack per year) - Reported", "{PackYears}"),
}

PANELS = {
    "bmp": (
        "51990-0",
        "Basic metabolic panel - Blood",
        "sodium potassium chloride co2 bun creatinine egfr glucose calcium",
    ),
    "cmp": (
        "24323-8",
        "Comprehensive metabolic 2000 panel - Serum or Plasma",
        "sodium potassium chloride co2 bun creatinine egfr glucose calcium albumin alt ast alp bilirubin",
    ),
    "cbc": (
        "58410-2",
        "CBC panel - Blood by Automated count",
        "wbc hemoglobin hematocrit mcv platelets",
    ),
    "lipids": (
        "24331-1",
        "Lipid 1996 panel - Serum or Plasma",
        "cholesterol triglycerides hdl ldl",
    ),
    "spirometry": ("18759-1", "Spirometry study", "fev1 fvc fev1-fvc"),
    "pt-inr": ("34528-0", "PT panel - Platelet poor plasma by Coagulation assay", "pt inr"),
}

VITALS = frozenset(
    "heart-rate resp-rate temp spo2 weight height bmi bmi-percentile head-circumference".split()
)
SURVEYS = frozenset("pain phq2 phq9 gad7 audit-c".split())
EXAMS = frozenset("gestational-age fundal-height fetal-heart-rate peak-flow lvef".split())
