"""Advance directives, and what entries say of resuscitation, in words."""

from cds_service.brief.facts.visits import is_category
from cds_service.brief.record import Item, Record
from cds_service.brief.wording.summary import verification
from cds_service.brief.wording.words import (
    TEXT_MAX,
    code_name,
    coded_word,
    dated,
    joined,
    named,
    names,
    quoted,
    short,
    status_word,
)
from cds_service.domain.brief import Statement
from cds_service.domain.json import JsonObject
from cds_service.fhir.elements import code, inline_text, is_true, obj, objs, text


def directive(statement: Statement, record: Record, items: list[Item]) -> str:
    """Write that an advance directive is on file, in the words of its kind."""
    del statement, record
    item = items[0]
    said = item.resource
    if item.type == "ServiceRequest":
        head = "Order not to perform" if is_true(said, "doNotPerform") else "Order"
        return f"{head}: {code_status(item)}"
    if item.type == "Condition":
        return f"Problem: {code_status(item)}"
    kind = names(said, "category") or named(obj(said, "type"), "") or "Advance directive"
    if is_category(item, "dnr"):
        # "deny" is of the treatment: beside the name it reads as if the order were refused
        kind = "DNR directive on file"
    attached = obj(said, "sourceAttachment")
    own = short(text(attached, "title"), 80)
    provision = coded_word(obj(said, "provision"), "type")
    return joined(
        (
            kind,
            own if own.casefold() != kind.casefold() else "",
            f"recorded as “{provision}”" if provision not in {"", "deny"} else "",
            dated("dated", item.when) or "undated",
            status_word(item, "active", "current"),
            quoted(_directive_text(said), TEXT_MAX) or _directive_file(said),
        )
    )


def code_status(item: Item) -> str:
    """Write what an entry says of resuscitation, and of when it is."""
    if item.type == "Consent":
        return joined(("DNR directive on file", dated("dated", item.when) or "undated"))
    word = "ordered" if item.type == "ServiceRequest" else "since"
    return joined(
        (
            code_name(item, "without words"),
            dated(word, item.when) or "undated",
            status_word(item, "active"),
            verification(item.resource),
        )
    )


def _directive_text(said: JsonObject) -> str:
    """Return the words of a directive that the resource carries within itself."""
    inside = (words for each in _attached(said) if (words := inline_text(each)))
    return next(inside, "") or text(obj(said, "policyRule"), "text")


def _directive_file(said: JsonObject) -> str:
    """Say whether a directive has its text attached, or names where it is."""
    has_text = any(code(each, "url") or code(each, "data") for each in _attached(said))
    return "text on file" if has_text or obj(said, "sourceReference") else "no text attached"


def _attached(said: JsonObject) -> list[JsonObject]:
    documents = [obj(each, "attachment") for each in objs(said, "content")]
    return [each for each in (obj(said, "sourceAttachment"), *documents) if each]
