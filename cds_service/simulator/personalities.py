"""Says, as data, how each kind of EHR behaves at the wire.

A personality is one frozen record. Adding a kind of EHR is adding a record here or in the
configuration; no code asks for a vendor by name. Epic's habits follow its public CDS Hooks,
OAuth and FHIR documentation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Algorithm = Literal["ES384", "RS384"]
EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Refusal:
    """One search rule: at least one of `any_of` must be there, with a value from `values`."""

    any_of: tuple[str, ...]
    code: str
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Concept:
    """A coding that this EHR adds to a list element of every resource of a type."""

    element: str
    system: str
    code: str


@dataclass(frozen=True, slots=True)
class CreateStyle:
    """How the EHR answers a create, and what it demands of a note.

    `required` are paths that a note must have, `refused` elements that it must not, `ignored` elements that are
    dropped without a word. An EHR that keeps notes as `rich_text` converts each of them.
    """

    location: Literal["absolute", "relative"] = "absolute"
    history: bool = True
    body: Literal["representation", "empty"] = "representation"
    etag: bool = True
    if_none_exist: bool = True
    encounter_required: bool = False
    attachments_kept: int | None = None
    content_types: frozenset[str] = frozenset()
    charset_required: bool = False
    required: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    doc_statuses: frozenset[str] = frozenset()
    kept_as: Literal["as_sent", "rich_text"] = "as_sent"
    modifier_extension_code: str | None = None


@dataclass(frozen=True, slots=True)
class HookStyle:
    """How the EHR calls CDS services and shows their cards."""

    hooks: tuple[str, ...] = ("patient-view", "appointment-book")
    algorithm: Algorithm = "ES384"
    issuer: Literal["origin", "fhir"] = "origin"
    lifetime_s: int = 300
    not_before_s: int | None = None
    subject_claim: bool = False
    token_s: int = 120
    revokes_token: bool = True
    scope: str = (
        "patient/Patient.rs patient/AllergyIntolerance.rs patient/Condition.rs"
        " patient/MedicationRequest.rs patient/MedicationStatement.rs patient/Observation.rs"
        " patient/Encounter.rs patient/Procedure.rs patient/Immunization.rs"
        " patient/DiagnosticReport.rs patient/DocumentReference.rs patient/ServiceRequest.rs"
        " patient/Appointment.rs patient/CarePlan.rs patient/CareTeam.rs patient/Goal.rs"
        " patient/FamilyMemberHistory.rs patient/Flag.rs patient/Consent.rs patient/Coverage.rs"
        " patient/Device.rs patient/Task.rs patient/Communication.rs"
        " patient/QuestionnaireResponse.rs user/Practitioner.rs user/PractitionerRole.rs"
        " user/Organization.rs user/Location.rs user/Medication.rs patient/Provenance.rs"
    )
    user: str = "Practitioner/sim-clinician"
    reads_discovery: bool = True
    failed_template: Literal["drop", "outcome"] = "outcome"
    empty_search: Literal["bundle", "null"] = "bundle"
    extension: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    trigger_extension: str | None = None
    override_member: str = "overrideReason"
    shows_labels: bool = True
    card_creates: frozenset[str] = frozenset(
        {"DocumentReference", "Condition", "ServiceRequest", "MedicationRequest", "Task"}
    )


@dataclass(frozen=True, slots=True)
class Personality:
    """Everything that tells one kind of EHR from another.

    `plans_encounters` holds a planned Encounter for every booked Appointment.
    """

    name: str
    title: str
    software: str
    fhir_path: str
    oauth_path: str
    hook_keys_path: str
    identity_keys_path: str
    hook_kid: Mapping[str, str]
    default_page: int = 50
    largest_page: int = 500
    page_link: str = "{base}?_getpages={token}"
    page_gone: tuple[int, str] = (410, "expired")
    gives_total: bool = True
    unknown_parameter: Literal["ignore", "refuse"] = "ignore"
    unknown_parameter_code: str = "not-supported"
    required: Mapping[str, tuple[Refusal, ...]] = field(default_factory=dict)
    empty_code: str | None = None
    adds: Mapping[str, tuple[Concept, ...]] = field(default_factory=dict)
    forbidden_body: bool = True
    access_token_s: int = 3600
    backend_scope_required: bool = True
    plans_encounters: bool = False
    create: CreateStyle = field(default_factory=CreateStyle)
    hooks: HookStyle = field(default_factory=HookStyle)


_PATIENT = Refusal(("patient", "subject", "_id"), "4111")
_EPIC_TYPES = (
    "Patient",
    "AllergyIntolerance",
    "Condition",
    "MedicationRequest",
    "Observation",
    "Encounter",
    "Procedure",
    "Immunization",
    "DiagnosticReport",
    "DocumentReference",
    "ServiceRequest",
    "Appointment",
    "CarePlan",
    "CareTeam",
    "Goal",
    "FamilyMemberHistory",
    "Flag",
    "Consent",
    "Coverage",
    "Device",
    "Task",
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "Medication",
)
_EPIC_PREFIX = "com.epic.cdshooks.request."

GENERIC = Personality(
    name="generic",
    title="General Hospital",
    software="Generic FHIR R4 EHR",
    fhir_path="/r4",
    oauth_path="/oauth2",
    hook_keys_path="/cds/jwks.json",
    identity_keys_path="/oauth2/jwks.json",
    hook_kid=MappingProxyType({"ES384": "generic-ec-1", "RS384": "generic-rsa-1"}),
)

EPIC = Personality(
    name="epic",
    title="Riverside Clinic",
    software="Epic-like EHR",
    fhir_path="/epic/api/FHIR/R4",
    oauth_path="/epic/oauth2",
    hook_keys_path="/epic/api/epic/2019/Security/Open/PublicKeys/530013/530013",
    identity_keys_path="/epic/api/epic/2019/Security/Open/PublicKeys/530027/OIDC",
    hook_kid=MappingProxyType({"ES384": "e+V4p/384Q==", "RS384": "Zq8+x/7Rk1v0uT/w2A+b4Q=="}),
    default_page=100,
    largest_page=1000,
    page_link="{base}/{type}?sessionID={token}",
    page_gone=(400, "4113"),
    unknown_parameter_code="4122",
    required=MappingProxyType(
        {
            "Observation": (_PATIENT, Refusal(("category", "code", "_id"), "59108")),
            "Condition": (
                _PATIENT,
                Refusal(
                    ("category", "_id"),
                    "4111",
                    frozenset({"problem-list-item", "encounter-diagnosis", "health-concern"}),
                ),
            ),
            "MedicationRequest": (_PATIENT,),
            "AllergyIntolerance": (_PATIENT,),
            "DocumentReference": (_PATIENT, Refusal(("category", "type", "_id"), "4111")),
            "Appointment": (
                Refusal(("patient", "date", "identifier", "_id"), "4111"),
                Refusal(
                    ("service-category", "_id"), "4111", frozenset({"appointment", "surgery"})
                ),
            ),
            "Patient": (Refusal(("_id", "identifier", "family", "birthdate"), "4111"),),
        }
    ),
    empty_code="4101",
    adds=MappingProxyType(
        {
            "Appointment": (
                Concept(
                    "serviceCategory",
                    "http://open.epic.com/FHIR/StructureDefinition/appointment-service-category",
                    "appointment",
                ),
            ),
            "DocumentReference": (
                Concept(
                    "category",
                    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                    "clinical-note",
                ),
            ),
        }
    ),
    forbidden_body=False,
    backend_scope_required=False,
    plans_encounters=True,
    create=CreateStyle(
        location="relative",
        history=False,
        body="empty",
        etag=False,
        if_none_exist=False,
        encounter_required=True,
        attachments_kept=1,
        content_types=frozenset({"text/plain"}),
        modifier_extension_code="59012",
    ),
    hooks=HookStyle(
        hooks=("patient-view", "order-select", "order-sign"),
        algorithm="RS384",
        issuer="fhir",
        lifetime_s=900,
        not_before_s=300,
        subject_claim=True,
        token_s=300,
        revokes_token=False,
        scope=" ".join(
            f"{name}.{verb} (R4)" for name in _EPIC_TYPES for verb in ("Read", "Search")
        ),
        user="PractitionerRole/sim-clinician-role",
        reads_discovery=False,
        failed_template="drop",
        extension=MappingProxyType(
            {
                f"{_EPIC_PREFIX}cds-hooks-specification-version": "1.1",
                f"{_EPIC_PREFIX}fhir-version": "R4",
                f"{_EPIC_PREFIX}criteria-id": "2000001",
                f"{_EPIC_PREFIX}epic-version": "11.4",
                f"{_EPIC_PREFIX}cds-hooks-implementation-version": "1.8",
                "internal.epic.cdshooks.request.epic-emp-id": "SIMEMP1",
            }
        ),
        trigger_extension=f"{_EPIC_PREFIX}bpa-trigger-action",
        override_member="overrideReasons",
        shows_labels=False,
        card_creates=frozenset({"Condition", "MedicationRequest", "ServiceRequest"}),
    ),
)

ORACLE = Personality(
    name="oracle",
    title="Lakeside Hospital",
    software="Millennium-like EHR",
    fhir_path="/millennium/r4",
    oauth_path="/millennium/oauth2",
    hook_keys_path="/millennium/hooks/jwks.json",
    identity_keys_path="/millennium/jwk",
    hook_kid=MappingProxyType({"ES384": "millennium-ec-1", "RS384": "millennium-rsa-1"}),
    default_page=10,
    largest_page=100,
    required=MappingProxyType(
        {
            "DocumentReference": (Refusal(("patient", "_id"), "required"),),
            "Appointment": (
                Refusal(("patient", "practitioner", "location", "_id"), "required"),
                Refusal(("date", "_id"), "required"),
            ),
        }
    ),
    create=CreateStyle(
        history=False,
        body="empty",
        if_none_exist=False,
        attachments_kept=1,
        content_types=frozenset({"text/plain", "text/html", "application/xhtml+xml"}),
        charset_required=True,
        required=("author", "context.period.end", "type"),
        refused=frozenset({"category"}),
        ignored=frozenset({"identifier", "description"}),
        doc_statuses=frozenset({"final"}),
        kept_as="rich_text",
    ),
)
"""Takes notes as Oracle Health's Millennium does, by its documentation of 2024: converts each to rich text, and
offers no search by identifier; visits are searched for by whose or where they are, and by date."""

PERSONALITIES: tuple[Personality, ...] = (GENERIC, EPIC)
"""Those that a simulator has by default: the demo's."""
