"""Corruptions of what was right, class by class, and whether a check catches them.

A draft is corrupted before the verifier, a rendered note, a stored brief and a kept record after it. "Caught" means
that the corruption does not reach the brief: dropped, corrected, discarded, or found again. Each class has at least two
corruptions, written before its check was tuned to them.
"""

import copy
import random
import re
from base64 import b64encode
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from msgspec import structs

from cds_service.brief import rule_brief, to_json, to_text
from cds_service.brief.recheck import fingerprint, rebuilt, recheck
from cds_service.brief.verify import verify
from cds_service.domain.draft import Draft, Proposed
from cds_service.domain.evidence import Evidence
from cds_service.domain.json import decode, encode
from tests.evals.corpus import NOW

OTHER = "Patient/somebody-else"
MUST_CATCH = {
    "reference",
    "patient",
    "status",
    "absence",
    "quotation",
    "note",
    "stored brief",
    "kept record",
    "omission",
    "stale value",
    "invented relation",
    "advice in a reason",
}
"""Classes of which every corruption has to be caught; of the others the share is reported."""
NOT_TO_CATCH = {"another entry that also holds", "another problem", "another order"}
"""Choices as valid as the right ones: a check can only find that they change nothing."""
ENOUGH_ALIKE = 2


@dataclass(frozen=True)
class Right:
    """A correct draft, and the brief that comes of it."""

    chart: object
    context: object
    draft: Draft
    rules: object
    brief: object
    stored: dict


def right(chart, context, draft):
    """Return what is corrupted: a draft that holds, its brief, and both as they are stored."""
    rules = rule_brief(context)
    brief = verify(draft, context, rules).brief
    brief = replace(brief, versions={"evidence": fingerprint(context.ledger)})
    return Right(chart, context, draft, rules, brief, decode(encode(to_json(brief))))


def draft_of(context, rules):
    """Return a correct draft: every single statement of the rules, and one quotation."""
    said = [
        Proposed(kind=x.statement.kind, refs=x.statement.refs, needs=x.statement.needs)
        for part in rules.sections
        if part.id not in {"attention", "changes"}
        for x in part.lines
        if "grouped" not in x.statement.flags and x.statement.kind not in {"patient", "last_visit"}
    ]
    return Draft(
        statements=tuple(said),
        shown=frozenset(context.ledger.evidence),
        read=frozenset(context.ledger.evidence),
    )


# ------------------------------------------------------------------ drafts
def _swap(base, place, statement):
    """Return the right draft with one statement replaced."""
    made = list(base.draft.statements)
    made[place] = statement
    return replace(base.draft, statements=tuple(made))


def _pick(base, chance, *kinds):
    places = [n for n, s in enumerate(base.draft.statements) if s.kind in kinds and s.refs]
    return chance.choice(places) if places else None


def _is_shown(base, found, statement):
    """Return whether a corrupted statement reached the brief as a model's."""
    if found.brief is None:
        return False
    return any(
        x.statement.added_by == "model"
        and x.statement.kind == statement.kind
        and set(statement.refs) <= set(x.statement.refs)
        and x.statement.refs[:1] == statement.refs[:1]
        for x in found.brief.lines()
    )


def _of(base, kind, test):
    return [
        r
        for r, e in base.context.ledger.evidence.items()
        if r.startswith(f"{kind}/") and test(e.resource)
    ]


def _coded(resource, member, *codes):
    return any(c.get("code") in codes for c in (resource.get(member) or {}).get("coding", []))


def drafts(base, chance):
    """Yield (class, name, corrupted draft, corrupted statement, context)."""
    context, everything = base.context, sorted(base.context.ledger.evidence)
    place = _pick(base, chance, "result", "problem", "medication")
    if place is None:
        return
    said = base.draft.statements[place]
    kind = said.refs[0].partition("/")[0]
    others = [r for r in everything if not r.startswith(f"{kind}/")]
    for name, refs in (
        ("a reference that does not exist", (f"{kind}/nowhere",)),
        ("an alias of nothing", ("",)),
        ("an entry of another type", (chance.choice(others),)),
    ):
        wrong = replace(said, refs=refs)
        yield "reference", name, _swap(base, place, wrong), wrong, context
    hidden = replace(_swap(base, place, said), shown=base.draft.shown - set(said.refs))
    yield "reference", "an entry that was not shown", hidden, said, context
    yield from _of_others(base, place, said)
    yield from _ended(base, place)
    yield from _absences(base, place)
    yield from _older(base, chance)
    yield from _relations(base, place, everything, chance)
    yield from _reasons(base, place, said)
    yield from _choices(base, chance)


def _of_others(base, place, said):
    """Another patient's entry: one more in the record, and one that changed hands."""
    theirs = copy.deepcopy(dict(base.context.ledger.evidence[said.refs[0]].resource))
    theirs["id"] = "theirs"
    member = "patient" if "patient" in theirs else "subject"
    theirs[member] = {"reference": OTHER}
    ref = f"{theirs['resourceType']}/theirs"
    item = Evidence(ref=ref, resource=theirs, version="1", source="read", need=None, at=NOW)
    wrong = replace(said, refs=(ref,))
    made = replace(_swap(base, place, wrong), shown=base.draft.shown | {ref})
    yield "patient", "an entry of another patient", made, wrong, _with(base.context, {ref: item})
    own = base.context.ledger.evidence[said.refs[0]]
    moved = structs.replace(own, resource={**own.resource, member: {"reference": OTHER}})
    yield (
        "patient",
        "an entry that changed hands",
        base.draft,
        said,
        _with(base.context, {own.ref: moved}),
    )


def _with(context, more):
    return replace(
        context, ledger=replace(context.ledger, evidence={**context.ledger.evidence, **more})
    )


def _ended(base, place):
    ended = _of(base, "Condition", lambda r: _coded(r, "clinicalStatus", "resolved", "inactive"))
    stopped = _of(base, "MedicationRequest", lambda r: r.get("status") in {"stopped", "completed"})
    wrong_ = _of(
        base, "Condition", lambda r: _coded(r, "verificationStatus", "refuted", "entered-in-error")
    )
    for name, kind, refs in (
        ("a resolved problem as a problem", "problem", ended),
        ("a stopped medicine as a medicine", "medication", stopped),
        ("a refuted diagnosis as a problem", "problem", wrong_),
    ):
        for ref in refs[:2]:
            wrong = Proposed(kind=kind, refs=(ref,))
            yield "status", name, _swap(base, place, wrong), wrong, base.context
    refuted = {
        **_resource(base, place),
        "verificationStatus": {"coding": [{"code": "entered-in-error"}]},
    }
    ref = base.draft.statements[place].refs[0]
    item = structs.replace(
        base.context.ledger.evidence[ref], resource={**refuted, "status": "entered-in-error"}
    )
    yield (
        "status",
        "an entry made in error",
        base.draft,
        base.draft.statements[place],
        _with(base.context, {ref: item}),
    )


def _resource(base, place):
    return dict(base.context.ledger.evidence[base.draft.statements[place].refs[0]].resource)


def _absences(base, place):
    held = [
        need
        for need, kind in (
            ("allergies", "AllergyIntolerance"),
            ("problems", "Condition"),
            ("medications", "MedicationRequest"),
        )
        if base.context.ledger.of_type(kind)
    ]
    for need in held:
        wrong = Proposed(kind="absence", refs=(), needs=(need,))
        yield (
            "absence",
            f"none of {need}, though there are",
            _swap(base, place, wrong),
            wrong,
            base.context,
        )
    for state in ("failed", "denied", "partial", "no_access"):
        searches = tuple(
            replace(s, state=state) if s.need == "directives" else s
            for s in base.context.ledger.searches
        )
        context = replace(base.context, ledger=replace(base.context.ledger, searches=searches))
        wrong = Proposed(kind="absence", refs=(), needs=("directives",))
        yield (
            "absence",
            f"none, from a search that is {state}",
            _swap(base, place, wrong),
            wrong,
            context,
        )


def _older(base, chance):
    series = [
        s for s in base.draft.statements if s.kind in {"result", "vital"} and len(s.refs) > 1
    ]
    for said in chance.sample(series, min(2, len(series))):
        place = base.draft.statements.index(said)
        for name, refs in (
            ("an older value as the newest", said.refs[1:2]),
            ("the oldest value alone", said.refs[-1:]),
        ):
            wrong = replace(said, refs=refs)
            yield "stale value", name, _swap(base, place, wrong), wrong, base.context


def _relations(base, place, everything, chance):
    drugs = [r for r in everything if r.startswith("MedicationRequest/")]
    allergies = [r for r in everything if r.startswith("AllergyIntolerance/")]
    real = {x.statement.refs for x in base.rules.section("attention")}
    pairs = [(a, d) for a in allergies for d in drugs if not any({a, d} <= set(r) for r in real)]
    for kind, refs, name in (
        ("conflict", chance.choice(pairs) if pairs else None, "a conflict that is none"),
        ("medication_change", (drugs[0],) if drugs else None, "a change that is none"),
    ):
        told = {x.statement.refs for x in base.rules.lines() if x.statement.kind == kind}
        if refs and not any(set(refs) <= set(r) for r in told):
            wrong = Proposed(kind=kind, refs=refs)
            yield "invented relation", name, _swap(base, place, wrong), wrong, base.context


_REASONS = {
    "advice in a reason": (
        "should stop it before surgery",
        "consider a higher dose",
        "ready for surgery",
        "safe to continue",
        "order test today",
        "consider medicine change",
        "repeat at this visit",
        "discuss with patient",
        "review of medicines needed",
        "follow-up visit in weeks",
        "related to this visit, change of medicine",
    ),
    "number in a reason": ("was 9 last year", "above nine percent"),
    "denial in a reason": ("no symptoms since", "not important"),
    "other name in a reason": ("related to metformin", "like her mother"),
    "markup in a reason": ("see https://evil.example.org", "![x](y) look", "<b>look</b>"),
}


def _reasons(base, place, said):
    for kind, texts in _REASONS.items():
        for text in texts:
            wrong = replace(said, why=text)
            yield kind, text, _swap(base, place, wrong), wrong, base.context


def _choices(base, chance):
    """Yield choices that are as valid as the right ones: nothing can tell that they were not meant."""
    for kind in ("result", "problem", "medication"):
        alike = [n for n, s in enumerate(base.draft.statements) if s.kind == kind]
        if len(alike) < ENOUGH_ALIKE:
            continue
        place, other = chance.sample(alike, 2)
        said, meant = base.draft.statements[other], base.draft.statements[place]
        wrong = replace(meant, refs=said.refs)
        left = [s for s in base.draft.statements if s.refs != said.refs]
        made = replace(base.draft, statements=tuple(wrong if s is meant else s for s in left))
        yield "another entry that also holds", f"swapped within {kind}s", made, wrong, base.context
    yield from _groups(base)
    yield from _order(base)


def _groups(base):
    """Put a line with a problem that stands and has nothing to do with it."""
    problems = [s.refs[0] for s in base.draft.statements if s.kind == "problem"]
    for kind in ("result", "medication"):
        place = next((n for n, s in enumerate(base.draft.statements) if s.kind == kind), None)
        if place is None or not problems:
            continue
        for name, group in (("the first problem", problems[0]), ("the last", problems[-1])):
            wrong = replace(base.draft.statements[place], group=group)
            told = f"a {kind} put with {name}"
            yield "another problem", told, _swap(base, place, wrong), wrong, base.context


def _order(base):
    """Tell first what matters least."""
    last = len(base.draft.statements) - 1
    lead = replace(base.draft.statements[last], lead=True)
    yield "another order", "the last line put first", _swap(base, last, lead), lead, base.context
    turned = replace(base.draft, statements=base.draft.statements[::-1])
    yield "another order", "all lines turned round", turned, turned.statements[0], base.context


def quotations(base):
    """Yield corrupted quotations of a note that is put into the chart."""
    words = "Slept well on 2 pillows. Walks 3 miles daily and denies chest pain. Daughter helps with shopping."
    note = {
        "resourceType": "DocumentReference",
        "id": "told",
        "status": "current",
        "subject": {"reference": f"Patient/{base.chart.patient}"},
        "type": {"text": "Progress note"},
        "date": "2026-10-01",
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "data": b64encode(words.encode()).decode(),
                }
            }
        ],
    }
    ref = "DocumentReference/told"
    item = Evidence(ref=ref, resource=note, version="1", source="read", need="documents", at=NOW)
    context = _with(base.context, {ref: item})
    for name, quote in (
        ("a number changed", "Walks 5 miles daily and denies chest pain."),
        ("a denial left out", "Walks 3 miles daily and chest pain."),
        ("two places joined", "Slept well on 2 pillows. Daughter helps with shopping."),
        ("a word changed", "Daughter helps with bathing."),
        ("other words", "Ready for surgery, no allergies."),
    ):
        wrong = Proposed(kind="note_quote", refs=(ref,), quote=quote)
        draft = replace(
            base.draft,
            statements=(*base.draft.statements, wrong),
            shown=base.draft.shown | {ref},
            read=frozenset({ref}),
        )
        yield "quotation", name, draft, wrong, context


def is_caught(base, kind, draft, statement, context):
    """Return whether the verifier keeps a corrupted statement out."""
    found = verify(draft, context, rule_brief(context))
    if kind == "patient":
        return found.brief is None
    if kind in NOT_TO_CATCH:
        return found.brief is None or found.brief.sections == base.brief.sections
    if kind == "stale value" and found.brief is not None:
        shown = [x for x in found.brief.lines() if set(statement.refs) <= set(x.statement.refs)]
        return all(
            x.statement.refs[0] != statement.refs[0]
            for x in shown
            if x.statement.kind == statement.kind
        )
    if " in a reason" in kind:
        return found.brief is None or all(
            x.statement.why != statement.why for x in found.brief.lines()
        )
    if kind == "absence" and found.brief is not None:
        told = [x.statement for x in found.brief.lines() if x.statement.added_by == "model"]
        return all(statement.needs != s.needs for s in told if s.kind == "absence")
    return not _is_shown(base, found, statement)


def omissions(base):
    """Yield (name, whether it is still shown) for drafts that leave out what must be shown."""
    cited = lambda brief: {r for x in brief.lines() for r in x.statement.refs}  # noqa: E731
    whole = cited(base.brief)
    for fact in base.chart.must_show:
        kept = tuple(s for s in base.draft.statements if fact.refs.isdisjoint(s.refs))
        found = verify(replace(base.draft, statements=kept), base.context, base.rules)
        shown = cited(found.brief or base.rules)
        yield fact.what, bool(fact.refs & shown) or not fact.refs & whole
    one = verify(
        replace(base.draft, statements=base.draft.statements[:1]), base.context, base.rules
    )
    yield "everything but one line", whole == cited(one.brief or base.rules)


# ------------------------------------------------------------------ what is kept
def _statements(stored):
    return [s for part in stored["sections"] for s in part["statements"]]


def _changed(text, chance):
    """Return a text with one digit changed, or a word where it has none."""
    places = [m.start() for m in re.finditer(r"\d", text)]
    if not places:
        return f"{text} resolved"
    at = chance.choice(places)
    return text[:at] + str((int(text[at]) + 1 + chance.randrange(8)) % 10) + text[at + 1 :]


def stored_briefs(base, chance):
    """Yield (name, corrupted stored brief)."""

    def edit(change):
        made = copy.deepcopy(base.stored)
        change(made)
        return made

    def line(made):
        return chance.choice([s for s in _statements(made) if s["refs"]])

    refs = sorted({r for s in _statements(base.stored) for r in s["refs"]})
    must = [s for s in _statements(base.stored) if "must_show" in s["flags"]]
    yield (
        "a digit of a line",
        edit(lambda m: (s := line(m)).update(text=_changed(s["text"], chance))),
    )
    yield "a line's words", edit(lambda m: line(m).update(text="No known allergies"))
    yield (
        "a line's reference",
        edit(lambda m: (s := line(m)).update(refs=[next(r for r in refs if r not in s["refs"])])),
    )
    yield "a reference to nothing", edit(lambda m: line(m).update(refs=["Condition/nowhere"]))
    yield (
        "a flag",
        edit(
            lambda m: (s := line(m)).update(
                flags=[*s["flags"], "critical"] if "critical" not in s["flags"] else []
            )
        ),
    )
    yield (
        "a kind",
        edit(
            lambda m: (s := line(m)).update(
                kind="allergy" if s["kind"] != "allergy" else "problem"
            )
        ),
    )
    yield "another patient's name", edit(lambda m: m.update(patient=OTHER))
    yield (
        "a line of advice",
        edit(lambda m: line(m).update(why="stop this medicine", added_by="model")),
    )
    yield (
        "a section less",
        edit(
            lambda m: m["sections"].pop(
                next(n for n, p in enumerate(m["sections"]) if p["id"] == "visit")
            )
        ),
    )
    yield (
        "a line without form",
        edit(lambda m: m["sections"][0]["statements"].append({"text": "All well"})),
    )
    yield (
        "an absence",
        edit(
            lambda m: m["sections"][-1]["statements"].append(
                {
                    "kind": "absence",
                    "text": "Allergies: none found",
                    "refs": [],
                    "flags": [],
                    "added_by": "rule",
                    "needs": ["allergies"],
                }
            )
        ),
    )
    if must:
        gone = chance.choice(must)
        named = {(gone["kind"], r) for r in gone["refs"]}
        yield "what must be shown", edit(lambda m: _drop(m, named))
    yield "any line", edit(lambda m: _less(m, chance))
    if base.stored["gaps"]:
        yield "a gap", edit(lambda m: m["gaps"].pop())


def _less(made, chance):
    part = chance.choice([p for p in made["sections"] if len(p["statements"]) > 1])
    part["statements"].remove(chance.choice(part["statements"]))


def _drop(made, named):
    for part in made["sections"]:
        part["statements"] = [
            s for s in part["statements"] if named.isdisjoint({(s["kind"], r) for r in s["refs"]})
        ]


def ledgers(base, chance):
    """Yield (name, corrupted context): the versions stay what they were."""
    cited = sorted({r for s in _statements(base.stored) for r in s["refs"]})
    ref = chance.choice(cited)
    item = base.context.ledger.evidence[ref]
    text = encode(item.resource).decode()

    def swapped(resource):
        return _with(base.context, {ref: structs.replace(item, resource=resource)})

    yield (
        "a digit of a resource",
        swapped(
            decode(_changed(text, chance).encode())
            if _is_json(_changed(text, chance))
            else {**item.resource, "status": "x"}
        ),
    )
    yield "a status", swapped({**item.resource, "status": "entered-in-error"})
    yield (
        "whose it is",
        swapped(
            {**item.resource, "subject": {"reference": OTHER}, "patient": {"reference": OTHER}}
        ),
    )
    less = {r: e for r, e in base.context.ledger.evidence.items() if r != ref}
    yield (
        "a resource less",
        replace(base.context, ledger=replace(base.context.ledger, evidence=less)),
    )
    searches = tuple(replace(s, state="failed") for s in base.context.ledger.searches)
    yield (
        "how far searches got",
        replace(base.context, ledger=replace(base.context.ledger, searches=searches)),
    )


def _is_json(text):
    try:
        decode(text.encode())
    except Exception:  # noqa: BLE001  # whatever is wrong, it is no JSON
        return False
    return True


def notes(base, chance):
    """Yield (name, corrupted text of the note)."""
    text = to_text(base.brief)
    lines = text.splitlines()
    yield "a digit", _changed(text, chance)
    yield "a line less", "\n".join(lines[:5] + lines[6:])
    yield "a line more", f"{text}\n- No known allergies"
    yield "a unit", text.replace("mg", "g", 1) if "mg" in text else f"{text} g"
    yield (
        "a word",
        text.replace("ALLERGIES", "NO ALLERGIES", 1) if "ALLERGIES" in text else text[:-3],
    )


class Score:
    """How many of each class were caught, and which were not."""

    def __init__(self):
        self.caught, self.whole, self.missed = Counter(), Counter(), defaultdict(list)

    def count(self, kind, name, good):
        self.whole[kind] += 1
        self.caught[kind] += bool(good)
        if not good:
            self.missed[kind].append(name)

    def share(self, kind):
        return self.caught[kind] / self.whole[kind]


def run(charts, seed=7):
    """Corrupt everything of every chart that has enough to say."""
    score = Score()
    for chart in charts:
        draft = draft_of(chart.context, rule_brief(chart.context))
        if len(draft.statements) < ENOUGH:
            continue
        base = right(chart, chart.context, draft)
        assert recheck(base.stored, base.context) == ()
        _run(base, random.Random(f"{seed}-{chart.patient}"), score)
    return score


ENOUGH = 12


def _run(base, chance, score):
    for kind, name, good in everything(base, chance):
        score.count(kind, f"{base.chart.patient}: {name}", good)


def everything(base, chance):
    """Yield (class, name, whether it was caught) for each corruption of what is right."""
    context = base.context
    for kind, name, bad, statement, where in (*drafts(base, chance), *quotations(base)):
        yield kind, name, is_caught(base, kind, bad, statement, where)
    for name, made in stored_briefs(base, chance):
        yield "stored brief", name, recheck(made, context)
    for name, changed in ledgers(base, chance):
        yield "kept record", name, recheck(base.stored, changed)
    again = to_text(rebuilt(base.stored, context))
    assert again == to_text(base.brief)
    for name, text in notes(base, chance):
        yield "note", name, text != again
    for name, good in omissions(base):
        yield "omission", name, good
