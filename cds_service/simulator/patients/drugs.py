"""List the drugs that charts order: RxNorm product, RxNorm ingredient, dose unit, route, and dose timings.

Codes are from RxNorm (https://www.nlm.nih.gov/research/umls/rxnorm). Where a product code is not
given, the entry is the ingredient and the strength stands in the text.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drug:
    """One product as an EHR lists it: name on the screen, code, code's display, ingredient, form."""

    text: str
    rxnorm: str
    display: str
    ingredient: tuple[str, str]
    unit: str = "tablet"
    route: str = "oral"
    verb: str = "Take"


ROUTES = {
    "oral": ("26643006", "Oral route", "by mouth"),
    "inhaled": ("18679011000001101", "Inhalation", "by inhalation"),
    "sublingual": ("37839007", "Sublingual route", "under the tongue"),
    "nasal": ("46713006", "Nasal route", "into one nostril"),
    "subcutaneous": ("34206005", "Subcutaneous route", "under the skin"),
    "intramuscular": ("78421000", "Intramuscular route", "into the muscle"),
    "topical": ("6064005", "Topical route", "to the affected skin"),
}

# key -> words, times, every, period unit, as needed for
TIMES: dict[str, tuple[str, int, float, str, str]] = {
    "daily": ("once daily", 1, 1, "d", ""),
    "morning": ("every morning", 1, 1, "d", ""),
    "bedtime": ("at bedtime", 1, 1, "d", ""),
    "bid": ("twice daily", 2, 1, "d", ""),
    "tid": ("three times daily", 3, 1, "d", ""),
    "qid": ("four times daily", 4, 1, "d", ""),
    "q6h": ("every 6 hours", 1, 6, "h", ""),
    "weekly": ("once a week", 1, 1, "wk", ""),
    "alternate": ("every other day", 1, 2, "d", ""),
    "pain": ("every 6 hours as needed for pain", 1, 6, "h", "pain"),
    "chest-pain": ("every 5 minutes as needed for chest pain, up to 3 doses", 1, 5, "min",
                   "chest pain"),
    "wheeze": ("every 4 hours as needed for wheezing or shortness of breath", 1, 4, "h",
               "wheezing or shortness of breath"),
    "anxiety": ("twice daily as needed for anxiety", 2, 1, "d", "anxiety"),
    "nausea": ("every 8 hours as needed for nausea", 1, 8, "h", "nausea"),
    "overdose": ("as needed for suspected opioid overdose; may repeat after 3 minutes", 1, 3, "min",
                 "suspected opioid overdose"),
    "allergy": ("once daily as needed for allergy symptoms", 1, 1, "d", "allergy symptoms"),
}


def _drug(text: str, rxnorm: str, display: str, ingredient: str, **form: str) -> Drug:
    code, _, name = ingredient.partition(" ")
    return Drug(text, rxnorm, display, (code, name), **form)


_CAPSULE = {"unit": "capsule"}
_PUFF = {"unit": "puff", "route": "inhaled", "verb": "Inhale"}
_ML = {"unit": "mL"}
_PEN = {"unit": "unit", "route": "subcutaneous", "verb": "Inject"}

DRUGS = {
    "acetaminophen": _drug("acetaminophen 325 mg tablet", "313782", "acetaminophen 325 MG Oral Tablet", "161 acetaminophen"),
    "albuterol": _drug("albuterol HFA 90 mcg/actuation inhaler", "2123111", "NDA020503 200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", "435 albuterol", **_PUFF),
    "albuterol-neb": _drug("albuterol 2.5 mg/3 mL nebulizer solution", "630208", "albuterol 0.83 MG/ML Inhalation Solution", "435 albuterol", unit="mL", route="inhaled", verb="Inhale"),
    "allopurinol-100": _drug("allopurinol 100 mg tablet", "197319", "allopurinol 100 MG Oral Tablet", "519 allopurinol"),
    "amlodipine-5": _drug("amlodipine 5 mg tablet", "197361", "amlodipine 5 MG Oral Tablet", "17767 amlodipine"),
    "amlodipine-10": _drug("amlodipine 10 mg tablet", "308135", "amlodipine 10 MG Oral Tablet", "17767 amlodipine"),
    "amoxicillin-500": _drug("amoxicillin 500 mg capsule", "308191", "amoxicillin 500 MG Oral Capsule", "723 amoxicillin", **_CAPSULE),
    "amoxicillin-liquid": _drug("amoxicillin 400 mg/5 mL suspension", "308189", "amoxicillin 80 MG/ML Oral Suspension", "723 amoxicillin", **_ML),
    "apixaban-5": _drug("apixaban (Eliquis) 5 mg tablet", "1364445", "apixaban 5 MG Oral Tablet", "1364430 apixaban"),
    "aspirin-81": _drug("aspirin 81 mg tablet", "243670", "aspirin 81 MG Oral Tablet", "1191 aspirin"),
    "atorvastatin-20": _drug("atorvastatin 20 mg tablet", "617310", "atorvastatin 20 MG Oral Tablet", "83367 atorvastatin"),
    "atorvastatin-40": _drug("atorvastatin 40 mg tablet", "617311", "atorvastatin 40 MG Oral Tablet", "83367 atorvastatin"),
    "azithromycin": _drug("azithromycin 250 mg tablet", "308460", "azithromycin 250 MG Oral Tablet", "18631 azithromycin"),
    "buprenorphine": _drug("buprenorphine-naloxone 8 mg-2 mg sublingual tablet", "351267", "buprenorphine 8 MG / naloxone 2 MG Sublingual Tablet", "1819 buprenorphine", route="sublingual", verb="Place"),
    "capecitabine": _drug("capecitabine 500 mg tablet", "194000", "capecitabine", "194000 capecitabine"),
    "cephalexin": _drug("cephalexin 500 mg capsule", "309114", "cephalexin 500 MG Oral Capsule", "2231 cephalexin", **_CAPSULE),
    "cetirizine-5": _drug("cetirizine 5 mg tablet", "1014676", "cetirizine hydrochloride 5 MG Oral Tablet", "20610 cetirizine"),
    "clonazepam-1": _drug("clonazepam 1 mg tablet", "197528", "clonazepam 1 MG Oral Tablet", "2598 clonazepam"),
    "coumadin": _drug("Coumadin 5 mg tablet", "855334", "warfarin sodium 5 MG Oral Tablet [Coumadin]", "11289 warfarin"),
    "digoxin": _drug("digoxin 125 mcg tablet", "197604", "digoxin 0.125 MG Oral Tablet", "3407 digoxin"),
    "doxycycline": _drug("doxycycline 100 mg capsule", "199026", "doxycycline 100 MG Oral Capsule", "3640 doxycycline", **_CAPSULE),
    "duloxetine-60": _drug("duloxetine 60 mg delayed-release capsule", "596930", "duloxetine 60 MG Delayed Release Oral Capsule", "72625 duloxetine", **_CAPSULE),
    "empagliflozin": _drug("empagliflozin (Jardiance) 10 mg tablet", "1545653", "empagliflozin", "1545653 empagliflozin"),
    "epinephrine-jr": _drug("epinephrine 0.15 mg auto-injector", "3992", "epinephrine", "3992 epinephrine", unit="injection", route="intramuscular", verb="Give"),
    "ferrous-sulfate": _drug("ferrous sulfate 325 mg tablet", "310325", "ferrous sulfate 325 MG Oral Tablet", "24947 ferrous sulfate"),
    "fluticasone-44": _drug("fluticasone HFA 44 mcg/actuation inhaler", "895994", "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler", "41126 fluticasone", **_PUFF),
    "fluticasone-salmeterol": _drug("fluticasone-salmeterol 250-50 mcg inhaler", "896209", "60 ACTUAT fluticasone propionate 0.25 MG/ACTUAT / salmeterol 0.05 MG/ACTUAT Dry Powder Inhaler", "41126 fluticasone", **_PUFF),
    "furosemide-20": _drug("furosemide 20 mg tablet", "310429", "furosemide 20 MG Oral Tablet", "4603 furosemide"),
    "furosemide-40": _drug("furosemide 40 mg tablet", "313988", "furosemide 40 MG Oral Tablet", "4603 furosemide"),
    "gabapentin-300": _drug("gabapentin 300 mg capsule", "310431", "gabapentin 300 MG Oral Capsule", "25480 gabapentin", **_CAPSULE),
    "glargine": _drug("insulin glargine 100 units/mL pen", "847230", "3 ML insulin glargine 100 UNT/ML Pen Injector", "274783 insulin glargine", **_PEN),
    "hydrochlorothiazide": _drug("hydrochlorothiazide 25 mg tablet", "310798", "hydrochlorothiazide 25 MG Oral Tablet", "5487 hydrochlorothiazide"),
    "ibuprofen-600": _drug("ibuprofen 600 mg tablet", "197806", "ibuprofen 600 MG Oral Tablet", "5640 ibuprofen"),
    "ibuprofen-liquid": _drug("ibuprofen 100 mg/5 mL suspension", "197803", "ibuprofen 20 MG/ML Oral Suspension", "5640 ibuprofen", **_ML),
    "levothyroxine-75": _drug("levothyroxine 75 mcg tablet", "966222", "levothyroxine sodium 0.075 MG Oral Tablet", "10582 levothyroxine"),
    "lipitor-20": _drug("Lipitor 20 mg tablet", "617318", "atorvastatin 20 MG Oral Tablet [Lipitor]", "83367 atorvastatin"),
    "lisinopril-5": _drug("lisinopril 5 mg tablet", "311354", "lisinopril 5 MG Oral Tablet", "29046 lisinopril"),
    "lisinopril-10": _drug("lisinopril 10 mg tablet", "314076", "lisinopril 10 MG Oral Tablet", "29046 lisinopril"),
    "lisinopril-20": _drug("lisinopril 20 mg tablet", "314077", "lisinopril 20 MG Oral Tablet", "29046 lisinopril"),
    "lisinopril-40": _drug("lisinopril 40 mg tablet", "197884", "lisinopril 40 MG Oral Tablet", "29046 lisinopril"),
    "losartan-50": _drug("losartan 50 mg tablet", "979492", "losartan potassium 50 MG Oral Tablet", "52175 losartan"),
    "metformin-500": _drug("metformin 500 mg tablet", "861007", "metformin hydrochloride 500 MG Oral Tablet", "6809 metformin"),
    "metformin-1000": _drug("metformin 1,000 mg tablet", "861004", "metformin hydrochloride 1000 MG Oral Tablet", "6809 metformin"),
    "metoprolol-25": _drug("metoprolol succinate ER 25 mg tablet", "866427", "24 HR metoprolol succinate 25 MG Extended Release Oral Tablet", "6918 metoprolol"),
    "metoprolol-50": _drug("metoprolol succinate ER 50 mg tablet", "866436", "24 HR metoprolol succinate 50 MG Extended Release Oral Tablet", "6918 metoprolol"),
    "montelukast-5": _drug("montelukast 5 mg chewable tablet", "242438", "montelukast 5 MG Chewable Tablet", "88249 montelukast"),
    "naloxone": _drug("naloxone 4 mg nasal spray", "1725059", "naloxone hydrochloride 40 MG/ML Nasal Spray", "7242 naloxone", unit="spray", route="nasal", verb="Spray"),
    "naproxen-500": _drug("naproxen 500 mg tablet", "198014", "naproxen 500 MG Oral Tablet", "7258 naproxen"),
    "nicotine-patch": _drug("nicotine 7 mg/24 h patch", "198031", "24 HR nicotine 0.292 MG/HR Transdermal System", "7407 nicotine", unit="patch", route="topical", verb="Apply"),
    "nitroglycerin": _drug("nitroglycerin 0.4 mg sublingual tablet", "198039", "nitroglycerin 0.4 MG Sublingual Tablet", "4917 nitroglycerin", route="sublingual", verb="Place"),
    "ondansetron-4": _drug("ondansetron 4 mg tablet", "198052", "ondansetron 4 MG Oral Tablet", "26225 ondansetron"),
    "oxycodone-5": _drug("oxycodone 5 mg tablet", "1049621", "oxycodone hydrochloride 5 MG Oral Tablet", "7804 oxycodone"),
    "pantoprazole-40": _drug("pantoprazole 40 mg delayed-release tablet", "314200", "pantoprazole 40 MG Delayed Release Oral Tablet", "40790 pantoprazole"),
    "potassium-10": _drug("potassium chloride 10 mEq ER capsule", "312504", "potassium chloride 10 MEQ Extended Release Oral Capsule", "8591 potassium chloride", **_CAPSULE),
    "prednisolone": _drug("prednisolone 15 mg/5 mL solution", "8638", "prednisolone", "8638 prednisolone", **_ML),
    "prednisone-20": _drug("prednisone 20 mg tablet", "312615", "prednisone 20 MG Oral Tablet", "8640 prednisone"),
    "senna": _drug("sennosides 8.6 mg tablet", "312935", "sennosides, USP 8.6 MG Oral Tablet", "36387 sennosides, USP"),
    "sertraline-50": _drug("sertraline 50 mg tablet", "312941", "sertraline 50 MG Oral Tablet", "36437 sertraline"),
    "spironolactone-25": _drug("spironolactone 25 mg tablet", "313096", "spironolactone 25 MG Oral Tablet", "9997 spironolactone"),
    "tamoxifen-10": _drug("tamoxifen 10 mg tablet", "198240", "tamoxifen 10 MG Oral Tablet", "10324 tamoxifen"),
    "tamsulosin": _drug("tamsulosin 0.4 mg capsule", "863669", "tamsulosin hydrochloride 0.4 MG Oral Capsule", "77492 tamsulosin", **_CAPSULE),
    "tiotropium": _drug("Spiriva HandiHaler 18 mcg capsule", "580261", "tiotropium 0.018 MG Inhalation Powder [Spiriva]", "274535 tiotropium", unit="capsule", route="inhaled", verb="Inhale"),
    "toprol-25": _drug("Toprol-XL 25 mg tablet", "866429", "24 HR metoprolol succinate 25 MG Extended Release Oral Tablet [Toprol]", "6918 metoprolol"),
    "trazodone-50": _drug("trazodone 50 mg tablet", "856377", "trazodone hydrochloride 50 MG Oral Tablet", "10737 trazodone"),
    "trimethoprim-sulfa": _drug("sulfamethoxazole-trimethoprim 800-160 mg tablet", "198335", "sulfamethoxazole 800 MG / trimethoprim 160 MG Oral Tablet", "10831 sulfamethoxazole / trimethoprim"),
    "warfarin-5": _drug("warfarin 5 mg tablet", "855332", "warfarin sodium 5 MG Oral Tablet", "11289 warfarin"),
}
