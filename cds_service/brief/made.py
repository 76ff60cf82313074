"""How a brief came about, said on it: versions of all that had a part, and what a reader must know."""

from collections.abc import Iterable, Mapping

from cds_service.domain.brief import Brief, Section


def receipted(brief: Brief, receipt: str) -> Brief:
    """Return a brief that says what became of the note that was approved last for its patient."""
    return Brief(
        patient=brief.patient,
        as_of=brief.as_of,
        rules_version=brief.rules_version,
        sections=brief.sections,
        gaps=brief.gaps,
        gap_texts=brief.gap_texts,
        since=brief.since,
        receipt=receipt,
        versions=brief.versions,
        notices=brief.notices,
    )


def arranged(brief: Brief, sections: Iterable[Section]) -> Brief:
    """Return a brief of the same record with other sections, every line of them checked."""
    return Brief(
        patient=brief.patient,
        as_of=brief.as_of,
        rules_version=brief.rules_version,
        sections=tuple(sections),
        gaps=brief.gaps,
        gap_texts=brief.gap_texts,
        versions=brief.versions,
        notices=brief.notices,
    )


def attributed(brief: Brief, versions: Mapping[str, str], notices: Iterable[str] = ()) -> Brief:
    """Return a brief that says what it was made by and what a reader must know of that."""
    return Brief(
        patient=brief.patient,
        as_of=brief.as_of,
        rules_version=brief.rules_version,
        sections=brief.sections,
        gaps=brief.gaps,
        gap_texts=brief.gap_texts,
        versions=dict(versions),
        notices=tuple(notices),
    )
