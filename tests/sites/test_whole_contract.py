"""A site file with every table that there is loads, and what is not acted on is said."""

from cds_service.sites import load_site

WHOLE = """
title = "General Hospital"
vendor = "generic-r4"
environment = "production"
mode = "live"
timezone = "America/New_York"
services = ["patient-view-brief", "appointment-book-brief"]
hook_budget_ms = 450
discovery_auth = false
triggers = ["60"]
[vendor_overrides]
[network]
allow = []
[fhir]
base_url = "https://fhir.example.org/r4"
[[trust]]
iss = "https://ehr.example.org"
jwks_url = "https://ehr.example.org/jwks.json"
algorithms = ["ES384", "RS384"]
tenant = "north"
client_id = "ours"
max_lifetime_s = 300
skew_s = 60
replay = "strict"
[backend]
client_id = "ours"
scopes = ["system/Patient.rs", "system/Observation.rs"]
[prepare]
poll = true
look_ahead_days = 3
refresh = ["booking", "evening-before", "1h-before"]
concurrency = 4
requests_per_second = 5
[agent]
enabled = true
note_text = false
[smart]
client_id = "ours"
scopes = ["launch", "openid", "fhirUser", "user/DocumentReference.c"]
frame_ancestors = ["https://ehr.example.org"]
approvers = ["Practitioner"]
[write]
route = "fhir"
doc_status = "preliminary"
[cors]
origins = ["https://ehr.example.org"]
[policy]
"""
SERVICES = frozenset({"patient-view-brief", "appointment-book-brief"})


def test_every_table_of_the_contract_is_known(tmp_path):
    file = tmp_path / "general.toml"
    file.write_text(WHOLE, "utf-8")
    load_site(file, services=SERVICES)
