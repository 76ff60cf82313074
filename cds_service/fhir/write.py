"""The typed models of what we write: built and validated with fhir.resources, as R4B.

The default import of fhir.resources is R5 and refuses every R4 DocumentReference.
"""

from typing import Any

from fhir.resources.R4B.documentreference import DocumentReference


def document_reference(fields: dict[str, Any]) -> dict[str, Any]:
    """Validate an R4 DocumentReference and return it as plain JSON.

    Raises pydantic's ValidationError when it breaks the model: that is our defect, not the caller's.
    """
    model = DocumentReference.model_validate({"resourceType": "DocumentReference", **fields})
    plain: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
    return plain
