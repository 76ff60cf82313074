"""The typed models of what we write: built and validated with fhir.resources, as R4B.

The default import of fhir.resources is R5 and refuses every R4 DocumentReference.
"""

from typing import Any

from fhir.resources.R4B.documentreference import DocumentReference


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """Return a DocumentReference, once the R4 model has found nothing wrong with it.

    What was checked is what is sent: it is not rendered again from the model, which costs as much as
    checking. Raises pydantic's ValidationError: a breach is our defect, not the caller's.
    """
    DocumentReference.model_validate(document)
    return document
