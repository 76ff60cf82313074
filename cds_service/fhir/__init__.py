"""FHIR: reading decoded JSON, the REST client, and the typed models of what we write."""
