"""SMART on FHIR as a client: our signing keys, backend services, EHR launch. Knows no database and no page."""
