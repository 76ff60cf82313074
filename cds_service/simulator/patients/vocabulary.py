"""List problems, substances, reactions, procedures, vaccines, orders and note types with their codes.

Codes are from SNOMED CT (US edition), ICD-10-CM, CVX, RxNorm and LOINC, as named in `terms`.
"""

# key -> SNOMED CT code, display, ICD-10-CM code, ICD-10-CM display
PROBLEMS = {
    "alcohol-dependence": ("66590003", "Alcohol dependence", "F10.21", "Alcohol dependence, in remission"),
    "allergic-rhinitis": ("61582004", "Allergic rhinitis", "J30.9", "Allergic rhinitis, unspecified"),
    "anemia-ckd": ("691421000119108", "Anemia co-occurrent and due to chronic kidney disease stage 3", "D63.1", "Anemia in chronic kidney disease"),
    "anxiety": ("21897009", "Generalized anxiety disorder", "F41.1", "Generalized anxiety disorder"),
    "asthma": ("426979002", "Mild persistent asthma", "J45.30", "Mild persistent asthma, uncomplicated"),
    "asthma-attack": ("708038006", "Acute exacerbation of asthma", "J45.31", "Mild persistent asthma with (acute) exacerbation"),
    "atrial-fibrillation": ("440028005", "Permanent atrial fibrillation", "I48.21", "Permanent atrial fibrillation"),
    "atrial-fibrillation-paroxysmal": ("282825002", "Paroxysmal atrial fibrillation", "I48.0", "Paroxysmal atrial fibrillation"),
    "back-pain": ("278860009", "Chronic low back pain", "M54.50", "Low back pain, unspecified"),
    "bph": ("266569009", "Benign prostatic hyperplasia", "N40.1", "Benign prostatic hyperplasia with lower urinary tract symptoms"),
    "breast-cancer": ("254837009", "Malignant neoplasm of breast", "Z85.3", "Personal history of malignant neoplasm of breast"),
    "bronchiolitis": ("4120002", "Bronchiolitis", "J21.9", "Acute bronchiolitis, unspecified"),
    "bronchitis": ("10509002", "Acute bronchitis", "J20.9", "Acute bronchitis, unspecified"),
    "ckd-3a": ("700378005", "Chronic kidney disease stage 3A", "N18.31", "Chronic kidney disease, stage 3a"),
    "ckd-3b": ("700379002", "Chronic kidney disease stage 3B", "N18.32", "Chronic kidney disease, stage 3b"),
    "copd": ("13645005", "Chronic obstructive lung disease", "J44.9", "Chronic obstructive pulmonary disease, unspecified"),
    "copd-attack": ("195951007", "Acute exacerbation of chronic obstructive airways disease", "J44.1", "Chronic obstructive pulmonary disease with (acute) exacerbation"),
    "coronary-disease": ("53741008", "Coronary arteriosclerosis", "I25.10", "Atherosclerotic heart disease of native coronary artery without angina pectoris"),
    "cystitis": ("68226007", "Acute cystitis", "N30.00", "Acute cystitis without hematuria"),
    "depression": ("370143000", "Major depressive disorder", "F33.1", "Major depressive disorder, recurrent, moderate"),
    "diabetes": ("44054006", "Diabetes mellitus type 2", "E11.65", "Type 2 diabetes mellitus with hyperglycemia"),
    "eczema": ("24079001", "Atopic dermatitis", "L20.9", "Atopic dermatitis, unspecified"),
    "gerd": ("235595009", "Gastroesophageal reflux disease", "K21.9", "Gastro-esophageal reflux disease without esophagitis"),
    "gout": ("90560007", "Gout", "M10.9", "Gout, unspecified"),
    "hand-foot": ("402749003", "Palmar-plantar erythrodysesthesia", "L27.1", "Localized skin eruption due to drugs and medicaments taken internally"),
    "heart-failure": ("703272007", "Heart failure with reduced ejection fraction", "I50.22", "Chronic systolic (congestive) heart failure"),
    "hyperkalemia": ("14140009", "Hyperkalemia", "E87.5", "Hyperkalemia"),
    "hyperlipidemia": ("55822004", "Hyperlipidemia", "E78.5", "Hyperlipidemia, unspecified"),
    "hypertension": ("59621000", "Essential hypertension", "I10", "Essential (primary) hypertension"),
    "hypothyroidism": ("40930008", "Hypothyroidism", "E03.9", "Hypothyroidism, unspecified"),
    "iron-deficiency": ("87522002", "Iron deficiency anemia", "D50.9", "Iron deficiency anemia, unspecified"),
    "knee-arthritis": ("239873007", "Osteoarthritis of knee", "M17.0", "Bilateral primary osteoarthritis of knee"),
    "myocardial-infarction": ("399211009", "History of myocardial infarction", "I25.2", "Old myocardial infarction"),
    "neuropathy": ("230572002", "Neuropathy due to diabetes mellitus", "E11.42", "Type 2 diabetes mellitus with diabetic polyneuropathy"),
    "obesity": ("414916001", "Obesity", "E66.9", "Obesity, unspecified"),
    "opioid-use": ("75544000", "Opioid dependence", "F11.21", "Opioid dependence, in remission"),
    "otitis": ("3110003", "Acute otitis media", "H66.90", "Otitis media, unspecified, unspecified ear"),
    "pneumonia": ("233604007", "Pneumonia", "J18.9", "Pneumonia, unspecified organism"),
    "prediabetes": ("714628002", "Prediabetes", "R73.03", "Prediabetes"),
    "pregnancy": ("72892002", "Normal pregnancy", "Z34.83", "Encounter for supervision of other normal pregnancy, third trimester"),
    "proteinuria": ("29738008", "Proteinuria", "R80.9", "Proteinuria, unspecified"),
    "retinopathy": ("390834004", "Nonproliferative diabetic retinopathy", "E11.319", "Type 2 diabetes mellitus with unspecified diabetic retinopathy without macular edema"),
    "sciatica": ("23056005", "Sciatica", "M54.32", "Sciatica, left side"),
    "sinusitis": ("36971009", "Sinusitis", "J01.90", "Acute sinusitis, unspecified"),
    "sprain": ("44465007", "Sprain of ankle", "S93.401A", "Sprain of unspecified ligament of right ankle, initial encounter"),
    "strep": ("43878008", "Streptococcal sore throat", "J02.0", "Streptococcal pharyngitis"),
    "tobacco": ("56294008", "Nicotine dependence", "F17.210", "Nicotine dependence, cigarettes, uncomplicated"),
    "uri": ("54150009", "Upper respiratory infection", "J06.9", "Acute upper respiratory infection, unspecified"),
    "vitamin-d": ("34713006", "Vitamin D deficiency", "E55.9", "Vitamin D deficiency, unspecified"),
}

# key -> system ("rxnorm" or "snomed"), code, display, category
ALLERGENS = {
    "bee-venom": ("snomed", "288328004", "Bee venom (substance)", "environment"),
    "codeine": ("rxnorm", "2670", "codeine", "medication"),
    "contrast": ("snomed", "426722004", "Iodinated contrast media (substance)", "medication"),
    "latex": ("snomed", "111088007", "Latex (substance)", "environment"),
    "lisinopril": ("rxnorm", "29046", "lisinopril", "medication"),
    "peanut": ("snomed", "762952008", "Peanut (substance)", "food"),
    "penicillin": ("rxnorm", "70618", "penicillin", "medication"),
    "shellfish": ("snomed", "735029006", "Shellfish (substance)", "food"),
    "sulfa": ("rxnorm", "10831", "sulfamethoxazole / trimethoprim", "medication"),
    "none-known": ("snomed", "716186003", "No known allergy", "medication"),
}

REACTIONS = {
    "anaphylaxis": ("39579001", "Anaphylaxis"),
    "angioedema": ("41291007", "Angioedema"),
    "cough": ("49727002", "Cough"),
    "hives": ("126485001", "Urticaria"),
    "nausea": ("422587007", "Nausea"),
    "rash": ("271807003", "Eruption of skin"),
}

PROCEDURES = {
    "appendectomy": ("80146002", "Appendectomy"),
    "cataract": ("54885007", "Extraction of cataract"),
    "cesarean": ("11466000", "Cesarean section"),
    "colonoscopy": ("73761001", "Colonoscopy"),
    "ecg": ("29303009", "Electrocardiographic procedure"),
    "echo": ("40701008", "Echocardiography"),
    "eye-exam": ("134395001", "Diabetic retinopathy screening"),
    "foot-exam": ("401191002", "Diabetic foot examination"),
    "lumpectomy": ("392021009", "Lumpectomy of breast"),
    "mammogram": ("24623002", "Screening mammography"),
    "pap": ("171149006", "Screening for malignant neoplasm of cervix"),
    "pci": ("415070008", "Percutaneous coronary intervention"),
    "physiotherapy": ("91251008", "Physical therapy procedure"),
    "quit-counseling": ("225323000", "Smoking cessation education"),
    "radiotherapy": ("108290001", "Radiation oncology AND/OR radiotherapy"),
    "sentinel-biopsy": ("396487001", "Sentinel lymph node biopsy"),
    "spirometry": ("127783003", "Spirometry"),
    "vaginal-delivery": ("177184002", "Normal delivery procedure"),
}

VACCINES = {
    "covid": ("309", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
    "covid-first": ("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
    "dtap": ("20", "DTaP"),
    "dtap-hepb-ipv": ("110", "DTaP-Hep B-IPV"),
    "dtap-ipv": ("130", "DTaP-IPV"),
    "flu": ("140", "Influenza, split virus, trivalent, PF"),
    "flu-high-dose": ("135", "Influenza, high-dose, trivalent, PF"),
    "hepatitis-a": ("83", "Hep A, ped/adol, 2 dose"),
    "hepatitis-b": ("08", "Hep B, adolescent or pediatric"),
    "hepatitis-b-adult": ("43", "Hep B, adult"),
    "hib": ("48", "Hib (PRP-T)"),
    "mmr": ("03", "MMR"),
    "mmrv": ("94", "MMRV"),
    "pcv13": ("133", "Pneumococcal conjugate PCV 13"),
    "pcv20": ("216", "Pneumococcal conjugate PCV20, polysaccharide CRM197 conjugate, adjuvant, PF"),
    "ppsv23": ("33", "pneumococcal polysaccharide vaccine, 23 valent"),
    "rotavirus": ("116", "rotavirus, pentavalent"),
    "rsv": ("305", "RSV, bivalent, protein subunit RSVpreF, diluent reconstituted, 0.5 mL, PF"),
    "tdap": ("115", "Tdap"),
    "varicella": ("21", "varicella"),
    "zoster": ("187", "zoster recombinant"),
}

# orders and reports that are not a laboratory panel: key -> LOINC code, display
STUDIES = {
    "bone-density": ("38269-7", "DXA Skeletal system Views for bone density"),
    "chest-xray": ("36643-5", "XR Chest 2 Views"),
    "colonoscopy": ("18746-8", "Colonoscopy study"),
    "ct-chest": ("24627-2", "CT Chest"),
    "ecg": ("11524-6", "EKG study"),
    "echo": ("34552-0", "Cardiac 2D echo panel"),
    "hpv": ("21440-3", "Human papilloma virus 16+18+31+33+35+45+51+52+56+58+59+68 DNA [Presence] in Cervix by Probe"),
    "mammogram": ("24606-6", "MG Breast Screening"),
    "mri-spine": ("24968-8", "MR Lumbar spine"),
    "ob-ultrasound": ("11525-3", "US Pelvis Fetus for pregnancy"),
    "pap": ("10524-7", "Microscopic observation [Identifier] in Cervix by Cyto stain"),
    "pathology": ("11526-1", "Pathology study"),
    "renal-ultrasound": ("24531-6", "US Retroperitoneum"),
    "urine-culture": ("630-4", "Bacteria identified in Urine by Culture"),
    "urine-drugs": ("65750-2", "Drugs of abuse panel - Urine by Screen method"),
}

# referrals: key -> SNOMED CT code, display
REFERRALS = {
    "addiction": ("306182002", "Referral to psychiatry service"),
    "cardiology": ("183519002", "Referral to cardiology service"),
    "dietitian": ("103699006", "Patient referral to dietitian"),
    "genetics": ("306243007", "Referral to clinical genetics service"),
    "nephrology": ("183524004", "Referral to nephrology service"),
    "ophthalmology": ("308459004", "Referral to optometrist"),
    "orthopedics": ("183545006", "Referral to orthopedic service"),
    "physiotherapy": ("308447003", "Referral to physiotherapist"),
    "pulmonary-rehab": ("183516009", "Referral to respiratory physician"),
}

NOTES = {
    "progress": ("11506-3", "Progress note"),
    "history": ("34117-2", "History and physical note"),
    "discharge": ("18842-5", "Discharge summary"),
    "consult": ("11488-4", "Consult note"),
    "emergency": ("34111-5", "Emergency department Note"),
    "operative": ("28570-0", "Procedure note"),
    "directive": ("42348-3", "Advance directives"),
}

SMOKING = {
    "never": ("266919005", "Never smoked tobacco"),
    "former": ("8517006", "Ex-smoker"),
    "daily": ("449868002", "Smokes tobacco daily"),
}
