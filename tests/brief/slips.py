"""The slips: each a plausible mistake in one place of the rules, which the tests of the brief have to catch.

A place is named by its text, short and distinctive, and is there exactly once: the table has to follow the code.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One slip: what it does, where, and the text it puts in place of another."""

    does: str
    module: str
    old: str
    new: str
    named: bool = False
    """One of the five kinds that every run of the tests tries."""

    def source(self) -> str:
        """Return the module with the slip. Raises `ValueError` when its place is not there exactly once."""
        file = file_of(self.module)
        text = file.read_text("utf-8")
        if text.count(self.old) != 1:
            raise ValueError(
                f"{self.does}: {self.module} has its place {text.count(self.old)} times"
            )
        changed = text.replace(self.old, self.new)
        if file.suffix == ".py":
            compile(changed, self.module, "exec", dont_inherit=True)
        else:
            tomllib.loads(changed)
        return changed


def file_of(module: str) -> Path:
    """Return where a module stands, or a data file of the rule book, which is named like one."""
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".toml" if path.parent.name == "data" else ".py")


_F, _S, _W = (
    "cds_service.brief.facts.",
    "cds_service.brief.sections.",
    "cds_service.brief.wording.",
)
_DATES, _CARDS, _BOOKING, _DATA = (
    "cds_service.fhir.dates",
    "hooks.patient_view.cards",
    "hooks.appointment_book.cards",
    "cds_service.rulebook.data.",
)
MUTANTS = (
    Mutant(
        "drop the check for entries in error",
        "cds_service.fhir.elements",
        'if resource.get("status") == "entered-in-error":\n        return True',
        "pass",
        named=True,
    ),
    Mutant(
        "take the oldest value for the newest",
        "cds_service.brief.record",
        "-when.at if when else _UNDATED",
        "when.at if when else _UNDATED",
        named=True,
    ),
    Mutant(
        "lose the comparator",
        f"{_W}values",
        'text(quantity, "comparator") + shown',
        "shown",
        named=True,
    ),
    Mutant(
        "swap the unit for its code",
        f"{_F}ranges",
        'return text(quantity, "unit") or text(quantity, "code")',
        'return text(quantity, "code") or "mg/L"',
        named=True,
    ),
    Mutant(
        "merge two ingredients",
        f"{_F}medicine_entries",
        "key=ingredients or title.casefold() or item.ref",
        "key=bool(ingredients) or title.casefold() or item.ref",
        named=True,
    ),
    Mutant(
        "count a refuted allergy",
        f"{_F}allergies",
        'return not ended and not has_code(obj(item.resource, "verificationStatus"), "refuted")',
        "return not ended",
    ),
    Mutant(
        "forget severe reactions",
        f"{_F}allergies",
        'if any(code(each, "severity") == "severe" or _is_anaphylaxis(each) for each in reactions):',
        "if False:",
    ),
    Mutant(
        "forget high criticality",
        f"{_F}allergies",
        'if code(item.resource, "criticality") == "high":\n        return True\n',
        "pass\n",
    ),
    Mutant(
        "compare an allergy with the names of medicines in no way",
        f"{_F}allergies",
        "wanted = [each for each in found if allergen.is_comparable(each)]",
        "wanted = list(found - found)",
    ),
    Mutant(
        "compare an allergy by a word that tells no substance",
        f"{_F}allergen",
        "return any(len(each) >= _TELLING and each not in _NEVER_ALONE for each in phrase)",
        "return bool(phrase)",
    ),
    Mutant(
        "keep the salt in the name of an allergy",
        f"{_F}allergen",
        "return bare or told",
        "return told",
    ),
    Mutant(
        "call what is given to the allergic a conflict",
        f"{_F}allergies",
        "if not allergen.is_given_on_purpose(said):",
        "if said:",
    ),
    Mutant(
        "read of what a note says was tolerated as an allergy",
        f"{_F}allergen",
        'return "" if holds_any(words(said), _UNREAD) else said',
        "return said",
    ),
    Mutant(
        "read the note of an allergy that has a name",
        f"{_F}allergen",
        "if not written or phrases(names(item)):",
        "if not written:",
    ),
    Mutant(
        "forget that heparins are a class",
        f"{_DATA}ingredients",
        'members = ["heparin", "enoxaparin", "dalteparin", "tinzaparin"]',
        'members = ["heparin"]',
    ),
    Mutant(
        "keep one ingredient of a brand of two",
        "cds_service.rulebook.load",
        "held.setdefault(words(each), set()).add(ingredient)",
        "held[words(each)] = {ingredient}",
    ),
    Mutant(
        "take one ingredient of a combination for all of it",
        "cds_service.rulebook.load",
        "held.setdefault(words(brand), set()).update(known[part][0] for part in parts)",
        "held.setdefault(words(brand), set()).add(known[next(iter(parts))][0])",
    ),
    Mutant(
        "double what a combination holds for another's sake",
        f"{_F}medicine_conflicts",
        "return [each for each in medicine.ingredients if each.name not in record.tables.companions]",
        "return medicine.ingredients",
    ),
    Mutant(
        "set a report of one part against a combination",
        f"{_F}medicine_conflicts",
        "report = denied.get(medicine.ingredients)",
        "report = next((denied[x] for x in denied if x & medicine.ingredients), None)",
    ),
    Mutant(
        "keep still which part of a brand an allergy meets",
        f"{_F}allergies",
        "return held if held != own else frozenset()",
        "return frozenset()",
    ),
    Mutant(
        "read an allergy to a class as nothing",
        f"{_F}allergies",
        "related |= each.members",
        "pass",
    ),
    Mutant(
        "take what begins later for in force",
        f"{_F}medicine_entries",
        "or self.is_for_later",
        "or False",
    ),
    Mutant(
        "end a course with its first dosage",
        f"{_F}medicine_entries",
        "_each(ends, max)",
        "_each(ends, min)",
    ),
    Mutant(
        "end a course with a dosage beside one without an end",
        f"{_F}medicine_entries",
        "return choose(known) if known and len(known) == len(found) else None",
        "return choose(known) if known else None",
    ),
    Mutant(
        "tell the end of a supply as that of a course",
        f"{_W}medicines",
        "end = item.course.end",
        "end = item.ended",
    ),
    Mutant(
        "forget an order of after the visit that was stopped, nothing tells when",
        f"{_F}medicine_changes",
        "if is_late or _is_cut_short_since(record, newest):",
        "if is_late:",
    ),
    Mutant(
        "tell a reported stop of any time",
        f"{_F}medicine_reports",
        "return is_day_since_last_visit(record, item.ended)",
        "return True",
    ),
    Mutant(
        "tell a reported stop of what is taken",
        f"{_F}medicine_reports",
        "is_open = known in listed or known in told",
        "is_open = False",
    ),
    Mutant(
        "call what is in no earlier entry new",
        f"{_F}medicine_reports",
        'word: News = "new" if begin else "reported"',
        'word: News = "new"',
    ),
    Mutant(
        "say of a list written anew that no earlier entry names what is on it",
        f"{_F}medicine_reports",
        "return were_read and any(",
        "return were_read or any(",
    ),
    Mutant(
        "say that no earlier entry names what one of another strength does",
        f"{_F}medicine_reports",
        "or item.names[:1] == other.names[:1]",
        "or False",
    ),
    Mutant(
        "drop why a medicine is not taken",
        f"{_W}conflicts",
        "for each in (reason_of(i), note_of(i.resource))",
        "for each in (note_of(i.resource),)",
    ),
    Mutant(
        "leave out of the list that a medicine is reported as not taken",
        f"{_S}medications",
        "refs=(*refs, *denials)",
        "refs=refs",
    ),
    Mutant(
        "keep a refuted problem",
        f"{_F}conditions",
        'status="" if "refuted" in verified else _status(stands),',
        "status=_status(stands),",
    ),
    Mutant(
        "read an unknown clinical status as ended",
        f"{_F}conditions",
        "if not _STANDING.isdisjoint(said) or _ENDED.isdisjoint(said):",
        "if not _STANDING.isdisjoint(said):",
    ),
    Mutant(
        "drop old diagnoses off the list",
        f"{_S}problems",
        'alone: tuple[Place, ...] = ("old", "remission")',
        'alone: tuple[Place, ...] = ("remission",)',
    ),
    Mutant(
        "drop medicines on hold",
        f"{_F}medicine_entries",
        'ORDER: frozenset({"active", "on-hold", "unknown", ""}),',
        'ORDER: frozenset({"active"}),',
    ),
    Mutant(
        "list what is not to be given",
        f"{_F}medicine_entries",
        'return item.status in _ACTIVE[item.type] and not is_true(said, "doNotPerform")',
        "return item.status in _ACTIVE[item.type]",
    ),
    Mutant(
        "call a report an order",
        f"{_F}medicine_entries",
        'not is_order or said.get("reportedBoolean") is True or',
        "False or",
    ),
    Mutant(
        "call a renewal a change",
        f"{_F}medicine_changes",
        "if before and _is_alike(before, newest):\n        return\n",
        "pass\n",
    ),
    Mutant(
        "compare doses by structure alone",
        f"{_F}medicine_changes",
        "return one == other and _numbers(before) == _numbers(newest)",
        "return one == other",
    ),
    Mutant(
        "miss that a dose has changed",
        f"{_F}medicine_changes",
        "return before.dose.casefold() == newest.dose.casefold()",
        "return True",
    ),
    Mutant(
        "date a stop by a move of the chart",
        f"{_F}medicine_changes",
        "is_late = is_day_since_last_visit(record, when) and not is_moved(record, newest)",
        "is_late = is_day_since_last_visit(record, when)",
    ),
    Mutant(
        "call a new order of this year a renewal",
        f"{_F}medicine_conflicts",
        "return orders and len(young) <= 1",
        "return orders",
    ),
    Mutant(
        "let a preliminary result stand for the final one",
        f"{_F}observations",
        "if item.status in _NOT_FINAL:\n        return _NOT_FINAL[item.status]\n",
        "pass\n",
    ),
    Mutant(
        "believe a range in another unit",
        f"{_F}ranges",
        'if value is None or code(quantity, "comparator") or not _same_unit(quantity, limits):',
        "if value is None:",
    ),
    Mutant(
        "turn above and below around",
        f"{_F}ranges",
        "if low is not None and value < low:",
        "if low is not None and value > low:",
    ),
    Mutant(
        "forget that HH is critical",
        f"{_F}marks",
        "each: Mark(level, each, side",
        'each: Mark(level if level != "critical" else "normal", each, side',
    ),
    Mutant(
        "take a mark that is not known for none",
        f"{_F}marks",
        'return Mark("marked", "", said)',
        "return _NONE",
    ),
    Mutant(
        "read critical in not critical",
        f"{_F}marks",
        'if not found & _SINGLE["hedges"]:',
        "if found:",
    ),
    Mutant(
        "take any of two values of one time for the newest",
        f"{_F}observations",
        "if len(issued) < len(same):\n        return by_level\n",
        "return same\n",
    ),
    Mutant(
        "let a preliminary value hide a critical final one",
        f"{_F}observations",
        'if reading(record, final[0]).level == "critical" != reading(record, newer[0]).level:',
        "if False:",
    ),
    Mutant(
        "name a result in words without its words",
        f"{_F}observations",
        "return bool(said) and words(said) not in record.tables.plain_values",
        "return False",
    ),
    Mutant(
        "head a value that was critical with the one that is not",
        f"{_S}attention",
        '("must_show", "critical", "changed")',
        '("must_show", "critical")',
    ),
    Mutant(
        "take a fetus for the patient",
        f"{_F}observations",
        'if "focus" in resource:',
        "if False:",
    ),
    Mutant(
        "see a limit only from above",
        f"{_F}readings",
        "return not limit.low <= value <= limit.high",
        "return value > limit.high",
    ),
    Mutant(
        "compare a limit without its unit",
        f"{_F}readings",
        'if limit and value is not None and limit.unit in {unit(quantity), code(quantity, "code")}:',
        "if limit and value is not None:",
    ),
    Mutant(
        "draw a trend across units",
        f"{_W}trends",
        "if now.number is None or before.number is None or now.unit != before.unit:",
        "if now.number is None or before.number is None:",
    ),
    Mutant(
        "call a fall a rise",
        f"{_W}trends",
        'return "rising" if True in ways else "falling"',
        'return "falling" if True in ways else "rising"',
    ),
    Mutant(
        "say none where a search was cut",
        "cds_service.brief.record",
        "return all(ledger.is_complete(need) and need not in spoiled for need in needs)",
        "return True",
    ),
    Mutant(
        "say none where entries were dropped",
        "cds_service.brief.record",
        'spoiled = {gap.need for gap in ledger.dropped if gap.reason != "other_patient"}',
        "spoiled = set()",
    ),
    Mutant(
        "take an order for answered that was cancelled",
        f"{_F}orders",
        '_NOT_DONE = frozenset({"registered", "cancelled", "preparation", "not-done"})',
        "_NOT_DONE = frozenset()",
    ),
    Mutant(
        "take an earlier result for the answer",
        f"{_F}orders",
        "and not any(newest.get(key, _NEVER) > _begun(item) for key in _keys(item))",
        "and not any(key in newest for key in _keys(item))",
    ),
    Mutant(
        "take an emergency for the last visit",
        f"{_F}visits",
        "        and not setting(record, item)\n",
        "",
    ),
    Mutant(
        "show an appointment that was cancelled",
        f"{_F}visits",
        "if item.status in _BOOKED and item.when and record.days_ago(item.when) <= 0",
        "if item.when and record.days_ago(item.when) <= 0",
    ),
    Mutant(
        "keep a flag that is over",
        f"{_S}attention",
        'if item.status in {"active", ""} and (end is None or record.days_ago(end) <= 0):',
        'if item.status in {"active", ""}:',
    ),
    Mutant(
        "keep another patient's entries",
        "cds_service.context.bundle",
        'return "other_patient"\n',
        "return None\n",
    ),
    Mutant(
        "take the older of two versions",
        "cds_service.context.bundle",
        "return max(one, other, key=_age)",
        "return min(one, other, key=_age)",
    ),
    Mutant(
        "follow a condition that two resources meet",
        "cds_service.context.bundle",
        "return min(found) if len(found) == 1 else None",
        "return min(found) if found else None",
    ),
    Mutant(
        "fill in the day of a month",
        "cds_service.fhir.dates",
        "return Moment(at, stored + _clock(minutes, seconds, offset), stored, begun.date())",
        "return Moment(at, day := begun.date().isoformat(), day, begun.date())",
    ),
    Mutant(
        "call a screening missing that took place",
        f"{_F}screenings",
        "if found.keys().isdisjoint({each.name, each.unless})",
        "if True",
    ),
    Mutant(
        "call a screening missing that an order or a result names",
        f"{_F}screenings",
        "and not _may_be_there(record, each)",
        "",
    ),
    Mutant(
        "drop a final report that was not read",
        f"{_F}reports",
        "(conclusion(item) or not _is_panel(record, item))",
        "conclusion(item)",
    ),
    Mutant(
        "quote a long report from its start",
        f"{_W}words",
        "if places and places[-1]:",
        "if False:",
    ),
    Mutant(
        "drop what an early report says",
        f"{_W}orders",
        'return joined((head, said), ": ")',
        "return head",
    ),
    Mutant(
        "let one imaging report take the place of all others",
        f"{_F}reports",
        'if coded not in terms["generic_codes"]:',
        "if True:",
    ),
    Mutant(
        "call a test old beside a newer one without a code",
        f"{_F}purpose",
        "any(each is None or each.date > when.date for each in dated)",
        "False",
    ),
    Mutant(
        "say that no vaccine is recorded where one was refused",
        f"{_S}prevention",
        "if not flu and not given and not refused:",
        "if not flu and not given:",
    ),
    Mutant(
        "tell restricted and open entries on one line",
        f"{_S}common",
        "plain = [refs for refs in things if labelled.isdisjoint(refs)]",
        "plain = things",
    ),
    Mutant(
        "take ward orders for medicines of home",
        f"{_F}medicine_changes",
        "if not is_over and not is_true",
        "if not is_true",
    ),
    Mutant(
        "take one medicine ordered twice for a plan",
        f"{_F}medicine_conflicts",
        'len(doses - {""}) == len(items)',
        "True",
    ),
    Mutant(
        "let a visit answer a test",
        f"{_F}orders",
        "and not (item.ref in visited and not _is_test(record, item))",
        "and item.ref not in visited",
    ),
    Mutant(
        "wait for a result of a therapy",
        f"{_F}orders",
        "_is_therapy(record, item) and not _is_test(record, item)",
        "False",
    ),
    Mutant(
        "call a test a referral for a word of its name",
        f"{_F}orders",
        "_is_therapy(record, item) and not _is_test(record, item)",
        "_is_therapy(record, item)",
    ),
    Mutant(
        "forget a site's own words for orders of care",
        "cds_service.rulebook.load",
        'begins=said("begins", more.care)',
        'begins=said("begins")',
    ),
    Mutant(
        "tell an order against resuscitation as one for it",
        f"{_W}summary",
        'is_true(said, "doNotPerform")',
        "False",
    ),
    Mutant(
        "say that a directive's text is on file where none is attached",
        f"{_W}summary",
        'if has_text or obj(said, "sourceReference") else',
        "if True else",
    ),
    Mutant(
        "wait for a result of what is not to be done",
        f"{_F}orders",
        'if is_true(item.resource, "doNotPerform"):',
        "if False:",
    ),
    Mutant(
        "keep from telling that an order was put on hold",
        f"{_F}medicine_changes",
        'if item.status != "on-hold":',
        "if True:",
    ),
    Mutant(
        "tell old holds as new where a chart was moved",
        f"{_F}medicine_changes",
        "is_day_since_last_visit(record, when) and not _is_of_move(record, when)",
        "is_day_since_last_visit(record, when)",
    ),
    Mutant(
        "keep back that an order which outlived its stay was written in it",
        f"{_W}medicines",
        'return dated("ordered in a stay that ended", past_stay(record, item))',
        'return ""',
    ),
    Mutant(
        "keep back where an earlier value without a flag lies",
        f"{_W}trends",
        'lies = f"{side} range" if side else ""',
        'lies = ""',
    ),
    Mutant(
        "forget a site's own values that say nothing",
        "cds_service.rulebook.load",
        ", *changes.plain_values)",
        ",)",
    ),
    Mutant(
        "give each part of a panel in words a line of its own",
        f"{_F}panels",
        "panel = (panels.get(ref, ref), alike[each]) if each in alike else ref",
        "panel = ref",
    ),
    Mutant(
        "put a noted or long value among the words of its panel",
        f"{_F}panels",
        "panel = (panels.get(ref, ref), alike[each]) if each in alike else ref",
        "panel = panels.get(ref, ref), alike.get(each)",
    ),
    Mutant(
        "put a part that is out of range among those that are not",
        f"{_F}panels",
        'each.level not in {"normal", ""} or ',
        "",
    ),
    Mutant(
        "put a part that is not final among those that are",
        f"{_F}panels",
        "if each.aside or each.level not in",
        "if each.level not in",
    ),
    Mutant(
        "hide what a part of a panel said before",
        f"{_F}panels",
        "value_in_words(item.resource).casefold() == said",
        "True",
    ),
    Mutant(
        "have parts of a panel with unlike days before share a line",
        f"{_F}panels",
        "            tuple([item.when and item.when.day for item in _before(record, each)]),\n",
        "",
    ),
    Mutant(
        "keep still since when the parts of a panel are the same",
        f"{_S}results",
        '("merged",) if len(parts[0].refs) > 1 else ()',
        "()",
    ),
    Mutant(
        "put what was read at another time on the line of a panel",
        f"{_F}panels",
        "            each.items[0].when,\n            each.is_new,",
        "            each.is_new,",
    ),
    Mutant(
        "keep still how old a panel in words is",
        f"{_W}observations",
        ' if "stale" in statement.flags else ""\n    told = []',
        ' if "stale" in () else ""\n    told = []',
    ),
    Mutant(
        "give each part in words of a panel a line among the newest results",
        f"{_S}results",
        "for parts in in_readings(record, late):",
        "for parts in [(each,) for each in late]:",
    ),
    Mutant(
        "put a critical value among the words of its panel",
        f"{_F}panels",
        'each.level == "critical" or ',
        "",
    ),
    Mutant(
        "wait for an order before its day",
        f"{_F}orders",
        "return max((each for each in known if each), default=None)",
        "return item.when",
    ),
    Mutant(
        "know weeks of a pregnancy by ICD-10-CM alone",
        f"{_F}conditions",
        "if is_coded(self.codes, _WEEKS, _WEEK_PREFIXES):",
        "if is_coded(self.codes, frozenset(), _WEEK_PREFIXES):",
    ),
    Mutant(
        "take what happens in a week of a pregnancy for that week",
        f"{_F}conditions",
        "_without_number(self.named) in _WEEK_WORDS",
        "True",
    ),
    Mutant(
        "let every week of a pregnancy stand",
        f"{_F}problems",
        "kept = _without_past_weeks(record, made)",
        "kept = made",
    ),
    Mutant(
        "call every allergy an intolerance",
        f"{_F}allergies",
        'return code(said, "type") == "intolerance" or',
        "return True or",
    ),
    # Days and times by the site's clock.
    Mutant(
        "tell times by the clock of the server",
        _DATES,
        "here = _here(begun, zone)",
        "here = None",
    ),
    Mutant(
        "tell a time of the site beside the day of the server",
        _DATES,
        "stored, minutes = told[:_DAY], ",
        "stored, minutes = stored, ",
    ),
    Mutant(
        "reckon by the day of the server",
        _DATES,
        "begun, offset = here\n            told = begun.isoformat()",
        "offset, told = here[1], here[0].isoformat()",
    ),
    Mutant(
        "begin a date at midnight in UTC",
        _DATES,
        "begun.replace(tzinfo=zone)",
        "begun.replace(tzinfo=UTC)",
    ),
    Mutant(
        "move times by a zone that no site named",
        _DATES,
        "return str(zone) not in _UTC",
        "return True",
    ),
    Mutant(
        "leave open which of the two a time was that a clock shows twice",
        _DATES,
        " if comes_twice else ",
        " if not here else ",
    ),
    Mutant(
        "tell the offset of the site's own zone",
        _DATES,
        " if comes_twice else ",
        " if here else ",
    ),
    Mutant(
        "tell an offset of odd seconds in minutes",
        _DATES,
        "offset is None or offset.seconds % 60",
        "offset is None",
    ),
    Mutant(
        "lose the time beside its source",
        _DATES,
        "return found[1] + _clock(*found.groups()[1:]) if found else value",
        "return found[1] if found else value",
    ),
    Mutant(
        "take the day in UTC for today",
        "cds_service.brief.record",
        "today=context.now.astimezone(context.zone).date(),",
        "today=moment_of(context.now).date,",
    ),
    Mutant(
        "lose the zone of a Bundle",
        "cds_service.context.bundle",
        "zone=zone,",
        'zone=ZoneInfo("UTC"),',
    ),
    Mutant(
        "take every time for a day",
        f"{_F}visits",
        "return when.shown != when.day",
        "return False",
    ),
    # Stays, and what took place during one.
    Mutant(
        "take a visit during a stay for the last one",
        f"{_F}visits",
        "        and not _is_during_a_stay(record, item, item.when)\n",
        "",
    ),
    Mutant(
        "let an emergency that nobody closed go on",
        f"{_F}visits",
        'is_stay = setting(record, item) in {"inpatient", "observation"}',
        "is_stay = bool(setting(record, item))",
    ),
    Mutant(
        "let a stay on leave be over",
        f"{_F}visits",
        '"in-progress", "onleave", "arrived"',
        '"in-progress", "arrived"',
    ),
    Mutant(
        "let a stay that nobody closed go on for ever",
        f"{_F}visits",
        "record.now if 0 <= record.days_ago(item.when) <= longest else",
        "record.now if 0 <= record.days_ago(item.when) else",
    ),
    Mutant(
        "end an open stay a day too soon",
        f"{_F}visits",
        "record.days_ago(item.when) <= longest else",
        "record.days_ago(item.when) < longest else",
    ),
    Mutant(
        "let a short stay end the long one around it",
        f"{_F}visits",
        "list(accumulate((end for _, end in spans), max))",
        "list(accumulate((end for _, end in spans), lambda _, end: end))",
    ),
    Mutant(
        "count a stay that was cancelled",
        f"{_F}visits",
        "        and item.status not in NEVER_TOOK_PLACE\n        and (begun",
        "        and (begun",
    ),
    Mutant(
        "take the whole day of admission into the stay",
        f"{_F}visits",
        "(begun.at + (0 if _has_clock(begun) else _DAY), over.at)",
        "(begun.at, over.at)",
    ),
    Mutant(
        "take the whole day of discharge into the stay",
        f"{_F}visits",
        "ends[place - 1] > when.at + (0 if _has_clock(when) else _DAY)",
        "ends[place - 1] > when.at",
    ),
    Mutant(
        "count a stay from its start",
        f"{_S}changes",
        "return until(record, item) if _is_care(record, item) else item.when",
        "return item.when",
    ),
    Mutant(
        "count a visit from its end",
        f"{_S}changes",
        "return until(record, item) if _is_care(record, item) else item.when",
        "return until(record, item)",
    ),
    Mutant(
        "keep quiet that a stay goes on",
        f"{_W}visits",
        '{True: ("finished",),',
        '{True: ("finished", "in-progress"),',
    ),
    # Contacts at which nobody reads the chart.
    Mutant(
        "take a visit with a blood draw for a blood draw",
        f"{_F}visits",
        "all(each in kinds for each in said)",
        "any(each in kinds for each in said)",
    ),
    Mutant(
        "take an encounter without a type for no visit",
        f"{_F}visits",
        "return bool(said) and all(",
        "return all(",
    ),
    Mutant(
        "believe the reason of an office visit",
        f"{_F}visits",
        'set(said) <= {"by_reason"}',
        "True",
    ),
    Mutant(
        "never ask the reason what contact it was",
        f"{_F}visits",
        'set(said) <= {"by_reason"}',
        "False",
    ),
    Mutant(
        "take a nursing home for a hospital",
        f"{_DATA}terms",
        'nonacute = ["NONAC"]',
        "nonacute = []",
    ),
    Mutant(
        "let a stay that was closed late swallow visits",
        f"{_F}visits",
        "and (over.date - begun.date).days <= longest",
        "and True",
    ),
    Mutant(
        "take a part of a nursing home's stay for a visit",
        f"{_F}visits",
        "if whole and setting(record, whole):",
        "if False:",
    ),
    Mutant(
        "know a contact by its name alone",
        f"{_F}visits",
        'said += [text(coding, "display"), code(coding, "code")]',
        'said += [text(coding, "display")]',
    ),
    Mutant(
        "know a contact by its code alone",
        f"{_F}visits",
        'said = [text(concept, "text")]',
        "said = []",
    ),
    Mutant(
        "take a call for no contact at all",
        f"{_F}visits",
        'and not _is_only(record, item, "no_visit", "hospice")\n',
        'and not _is_only(record, item, "no_visit", "hospice", "call")\n',
    ),
    Mutant(
        "take a call for a visit in person",
        f"{_F}visits",
        'return in_clinic and not _is_only(record, item, "no_visit", "hospice", "call")',
        "return in_clinic",
    ),
    Mutant(
        "forget the contacts that a site names",
        "cds_service.rulebook.load",
        '{**terms["contact"], **changes.contact}.items()',
        'terms["contact"].items()',
    ),
    Mutant(
        "lose a code of the table of contacts",
        f"{_DATA}terms",
        '"36415" = "no_visit"\n',
        "",
    ),
    # A patient who was never seen here.
    Mutant(
        "call a patient new of whom encounters were not all read",
        f"{_F}visits",
        "return were_read and record.once(last_visit) is None",
        "return record.once(last_visit) is None",
    ),
    Mutant(
        "never call the patient of a Bundle new",
        f"{_F}visits",
        "were_read = record.proves_absence(needs) or record.is_bundle(needs)",
        "were_read = record.proves_absence(needs)",
    ),
    Mutant(
        "end the window of a first visit a day too soon",
        f"{_S}changes",
        'record.days_ago(when) <= record.tables.days["first_visit"]',
        'record.days_ago(when) < record.tables.days["first_visit"]',
    ),
    Mutant(
        "count a stay before a first visit from its start",
        f"{_S}changes",
        "is_late(until(record, item))",
        "is_late(item.when)",
    ),
    Mutant(
        "count a result before a first visit from its sample",
        f"{_S}changes",
        "_results(record, lambda each: is_late(released(record, each.items[0])))",
        "_results(record, lambda each: is_late(each.items[0].when))",
    ),
    Mutant(
        "tell a stay before a first visit that was cancelled",
        f"{_S}changes",
        "if _is_care(record, item) and _took_place(record, item) and is_late(",
        "if _is_care(record, item) and is_late(",
    ),
    # Of the patient, and of appointments that are not this one.
    Mutant(
        "end the care of a hospice like a stay that nobody closed",
        f"{_F}visits",
        '"encounters" if hospice else "stay_open"',
        '"stay_open"',
    ),
    Mutant(
        "keep the care of a hospice from the lines that must be shown",
        f"{_S}changes",
        "return bool(setting(record, item)) or is_hospice(record, item)",
        "return bool(setting(record, item))",
    ),
    Mutant(
        "keep quiet that the care of a hospice goes on",
        f"{_W}visits",
        "bool(setting(record, item)) or is_hospice(record, item)",
        "bool(setting(record, item))",
    ),
    Mutant(
        "take a hospice for a clinic",
        f"{_F}visits",
        'and not _is_only(record, item, "no_visit", "hospice")\n',
        'and not _is_only(record, item, "no_visit")\n',
    ),
    Mutant(
        "ask for tests of the dead",
        f"{_S}visit",
        "if not (whose and is_deceased(whose)):",
        "if whose:",
    ),
    Mutant(
        "tell a death beside the age alone",
        "hooks.patient_view.cards",
        '    ("visit", "flag", "must_show", FOLD),\n',
        "",
    ),
    Mutant(
        "believe a deceasedBoolean alone",
        f"{_F}patients",
        ' or "deceasedDateTime" in item.resource',
        "",
    ),
    Mutant(
        "keep quiet of a merge",
        f"{_F}patients",
        'code(each, "type") == "replaced-by"',
        'code(each, "type") == "seealso"',
    ),
    Mutant(
        "take what replaces another entry for what was replaced",
        f"{_F}patients",
        'code(each, "type") == "replaced-by"',
        'code(each, "type").startswith("replace")',
    ),
    Mutant(
        "tell the next visit among the others",
        f"{_S}visit",
        "booked_ahead(record)[1:]",
        "booked_ahead(record)",
    ),
    Mutant(
        "tell a clash twice",
        f"{_S}visit",
        " if item not in clashing]",
        "]",
    ),
    Mutant(
        "say of an appointment its reason alone",
        f"{_W}visits",
        'or short(text(said, "description"), 60)\n',
        'or short("", 60)\n',
    ),
    Mutant(
        "lose that a stay before a first visit must be shown",
        f"{_S}changes",
        'return ("must_show", "acute")',
        'return ("acute",)',
    ),
    Mutant(
        "name changes after a visit that was not",
        f"{_S}changes",
        "if not is_first_visit(record):",
        "if True:",
    ),
    Mutant(
        "forget the title of a first visit in a brief that a model chose",
        "cds_service.brief.verify",
        "named = title(record, name, usual)",
        "named = usual",
    ),
    Mutant(
        "forget the title of a first visit in a stored brief",
        "cds_service.brief.reread",
        "title=titles.get(name, usual),",
        "title=usual,",
    ),
    # The age of a result on the day of the visit that is booked.
    Mutant(
        "tell a result as old as it is while a visit is booked",
        f"{_F}purpose",
        "(day - newest.date).days > stale_days(record, each)",
        "record.days_ago(newest) > stale_days(record, each)",
    ),
    Mutant(
        "call a result old a day too soon",
        f"{_F}purpose",
        "(day - newest.date).days > stale_days(record, each)",
        "(day - newest.date).days >= stale_days(record, each)",
    ),
    Mutant(
        "take the last of the proposed days",
        f"{_F}purpose",
        "return max(record.today, min((each.date",
        "return max(record.today, max((each.date",
    ),
    Mutant(
        "reckon for a day that is over",
        f"{_F}purpose",
        "return max(record.today, min((each.date for each in starts if each), default=record.today))",
        "return min((each.date for each in starts if each), default=record.today)",
    ),
    Mutant(
        "speak of the day of the visit when it is today",
        f"{_W}observations",
        "ahead = day_of_visit(record) > record.today",
        "ahead = day_of_visit(record) >= record.today",
    ),
    # Medicines on hold, planned, or past their written end.
    Mutant(
        "take an order on hold for one in force",
        f"{_F}medicine_entries",
        'self.status in {"on-hold", "intended"}',
        'self.status in {"intended"}',
    ),
    Mutant(
        "take what is only intended for taken",
        f"{_F}medicine_entries",
        'self.status in {"on-hold", "intended"}',
        'self.status in {"on-hold"}',
    ),
    Mutant(
        "take a proposal for an order",
        f"{_F}medicine_entries",
        'in {"plan", "proposal"}',
        'in {"plan"}',
    ),
    Mutant(
        "end a medicine on its last day",
        f"{_F}medicine_entries",
        "ended is not None and record.days_ago(ended) > 0",
        "ended is not None and record.days_ago(ended) >= 0",
    ),
    Mutant(
        "let an order on hold hide a report that it is taken",
        f"{_F}medicine_conflicts",
        "return items if any(item.is_reported for item in taken) else taken",
        "return taken",
    ),
    Mutant(
        "call an order beside one on hold a conflict",
        f"{_F}medicine_conflicts",
        "_disagree(record, _judged(items))",
        "_disagree(record, items)",
    ),
    Mutant(
        "let a plan take the place of an order",
        f"{_F}medicine_changes",
        "is_plan = item.is_planned and item.is_active",
        "is_plan = False",
    ),
    Mutant(
        "tell a plan that was given up as a medicine that was stopped",
        f"{_F}medicine_changes",
        "is_plan = item.is_planned and item.is_active",
        "is_plan = item.is_planned",
    ),
    Mutant(
        "lose why an order is on hold",
        f"{_W}medicines",
        'joined((_before(change_), when, stay, reason_of(change_.item)), "; ")',
        "_before(change_)",
    ),
    Mutant(
        "call a new order on hold plainly new",
        f"{_W}medicines",
        'return f"{joined((word, stands))}:" if stands else word',
        "return word",
    ),
    Mutant(
        "say on hold of a medicine that another order has in force",
        f"{_W}medicines",
        "if before is None or (standing(record, before) and not standing(record, item)):",
        "if before is None:",
    ),
    Mutant(
        "call an order on hold active beside an allergy",
        f"{_W}conflicts",
        'word = "listed" if any(standing(record, each) for each in drugs) else "active"',
        'word = "active"',
    ),
    Mutant(
        "let an order on hold hide the one in force",
        f"{_F}medicines",
        "return next((each for each in found if each.is_in_force), found[0])",
        "return found[0]",
    ),
    Mutant(
        "let an order that was cancelled hide a new one",
        f"{_F}medicine_changes",
        "place = next((place for place, item in enumerate(items) if item.is_active), None)",
        "place = 0 if items[0].is_active else None",
    ),
    Mutant(
        "call two strengths alike",
        f"{_F}medicine_conflicts",
        "if len({strength(item) for item in found} - {()}) > 1:",
        "if not found:",
    ),
    # Illnesses that were known for long.
    Mutant(
        "call an illness new for one new entry",
        f"{_F}problems",
        "return bool(standing) and all(",
        "return bool(standing) and any(",
    ),
    Mutant(
        "let an entry in remission make a relapse old",
        f"{_F}problems",
        'standing = [known for known in entries if known.status == "active"]',
        "standing = list(entries)",
    ),
    Mutant(
        "tell an illness since its newest entry",
        f"{_W}summary",
        "onset = _since(record, span(entries)[0] or item)",
        "onset = _since(record, item)",
    ),
    Mutant(
        "count an entry as new by its onset",
        f"{_F}conditions",
        'recorded=record.moment(item.resource.get("recordedDate")) or item.when,',
        "recorded=item.when,",
    ),
    # Findings and circumstances of life.
    Mutant(
        "file a risk of suicide under circumstances of life",
        f"{_F}conditions",
        "is_finding=not (is_pregnancy or is_danger) and",
        "is_finding=not is_pregnancy and",
    ),
    Mutant(
        "lose the chapters of violence and suicide",
        f"{_F}conditions",
        "is_coded(values, _TOLD, _TOLD_PREFIXES)",
        "is_coded(values, _TOLD, ())",
    ),
    Mutant(
        "lose a told code",
        f"{_DATA}terms",
        '"225444004", ',
        "",
    ),
    Mutant(
        "take a pregnancy for a finding",
        f"{_F}conditions",
        "is_finding=not (is_pregnancy or is_danger) and",
        "is_finding=not is_danger and",
    ),
    Mutant(
        "take a circumstance of life for an illness",
        f"{_F}conditions",
        "is_coded(coded, _LIFE, _LIFE_PREFIXES)",
        "is_coded(coded, _LIFE, ())",
    ),
    Mutant(
        "forget the shelf of social determinants",
        f"{_F}conditions",
        " or not _LIFE_SHELVES.isdisjoint(shelves)",
        "",
    ),
    Mutant(
        "put a finding above the fold",
        f"{_F}problems",
        "if problem.is_new and not problem.is_finding:",
        "if problem.is_new:",
    ),
    Mutant(
        "call two episodes a contradiction",
        f"{_F}problems",
        "if same or self.earliest is None or not entry(record, ended).is_listed:",
        "if same or self.earliest is None:",
    ),
    # One line for many, and the first few of it by name.
    Mutant(
        "name open orders by age, not by the visit's reason",
        f"{_S}attention",
        "(not turned_down(record, item), not is_of_visit(record, item))",
        "not turned_down(record, item)",
    ),
    Mutant(
        "name what was turned down by its age",
        f"{_S}attention",
        "(not turned_down(record, item), not is_of_visit(record, item))",
        "not is_of_visit(record, item)",
    ),
    Mutant(
        "take a rejected task for an answer",
        f"{_F}orders",
        'if item.status == "completed"',
        'if item.status in {"completed", *UNDONE_TASKS}',
    ),
    Mutant(
        "let an order that was turned down wait for a month",
        f"{_F}orders",
        "return recent and not turned_down(record, item)",
        "return recent",
    ),
    Mutant(
        "tell a task that nobody carried out beside one that waits",
        f"{_F}orders",
        "return waiting or tuple(",
        "return waiting + tuple(",
    ),
    Mutant(
        "answer an order in words by a result in the same words alone",
        f"{_F}orders",
        "by_name = any(",
        "by_name = False and any(",
    ),
    Mutant(
        "forget that our table names a result",
        f"{_F}orders",
        "*(each.name for each in groups if each)",
        "",
    ),
    Mutant(
        "cut a line that nothing else repeats",
        f"{_W}orders",
        'if "must_show" in statement.flags else refs',
        "if refs else refs",
    ),
    Mutant(
        "cite only the first order of a high-alert medicine",
        f"{_S}attention",
        "[item.ref for item in medicine.items]\n        for medicine",
        "[medicine.items[0].ref]\n        for medicine",
    ),
    Mutant(
        "name new medicines before high-alert ones",
        f"{_F}medicine_changes",
        "return not alerts_of(change.item), not is_reasoned",
        "return False, not is_reasoned",
    ),
    Mutant(
        "count what is named for what is not",
        f"{_W}words",
        "rest = len(whole) - len(named_)",
        "rest = len(named_)",
    ),
    # Pregnancies of long ago.
    Mutant(
        "take a pregnancy of long ago for one of today",
        f"{_F}pregnancies",
        "newest = max(problems.dates(record, problem), default=None)",
        "newest = None",
    ),
    Mutant(
        "date a pregnancy by the first one",
        f"{_F}pregnancies",
        "newest = max(problems.dates",
        "newest = min(problems.dates",
    ),
    Mutant(
        "drop a pregnancy without a date",
        f"{_F}pregnancies",
        "if newest is None or record.days_ago(newest)",
        "if newest is not None and record.days_ago(newest)",
    ),
    Mutant(
        "end a pregnancy a day too soon",
        f"{_F}pregnancies",
        'record.days_ago(newest) <= record.tables.days["pregnancy"]:\n                yield',
        'record.days_ago(newest) < record.tables.days["pregnancy"]:\n                yield',
    ),
    Mutant(
        "date a pregnancy by its onset alone",
        f"{_F}problems",
        'yield from filter(None, (item.when, record.moment(item.resource.get("recordedDate"))))',
        "yield from filter(None, (item.when,))",
    ),
    # Of two tests that say the same, one.
    Mutant(
        "let an older result hide a newer one that says the same",
        f"{_S}changes",
        "return other.when is not None and mine.date - other.when.date <= _ABOUT_AS_NEW",
        "return True",
    ),
    Mutant(
        "let a result of two days before hide one that says the same",
        f"{_S}changes",
        "_ABOUT_AS_NEW = timedelta(days=1)",
        "_ABOUT_AS_NEW = timedelta(days=2)",
    ),
    Mutant(
        "tell one thing twice that was measured over midnight",
        f"{_S}changes",
        "_ABOUT_AS_NEW = timedelta(days=1)",
        "_ABOUT_AS_NEW = timedelta(days=0)",
    ),
    Mutant(
        "tell eGFR beside creatinine",
        f"{_DATA}loinc",
        '"48643-1"], beside = "Creatinine" }',
        '"48643-1"] }',
    ),
    # What tells of suicide or violence.
    Mutant(
        "tell dangers that the last visit knew",
        f"{_F}problems",
        "return known.recorded is None or is_of_late(record, known.recorded)",
        "return True",
    ),
    Mutant(
        "take a plain no for news",
        f"{_F}answers",
        "return words(told) not in _NO_WORDS",
        "return True",
    ),
    Mutant(
        "leave thoughts of suicide below the fold",
        _CARDS,
        '    ("attention", "problem", "acute", FOLD),\n',
        "",
    ),
    Mutant(
        "name a score without its value",
        f"{_W}observations",
        'if "score" in said.casefold() else said',
        "if False else said",
    ),
    # What a report concludes.
    Mutant(
        "drop the codes of a conclusion",
        f"{_F}reports",
        'if not said or "conclusionCode" not in item.resource:',
        "if said:",
    ),
    Mutant(
        "leave an early report open beside its final one",
        f"{_F}reports",
        "then is None or now is None or then.at <= now.at",
        "False",
    ),
    Mutant(
        "close an early report with another study of its day",
        f"{_F}reports",
        "or early.when.at != final.when.at",
        "",
    ),
    # What is over.
    Mutant(
        "call a new pregnancy over by an earlier delivery",
        f"{_F}pregnancies",
        "sign.newest is not None and sign.newest.date <= over.when.date",
        "sign.newest is not None",
    ),
    Mutant(
        "take a refuted delivery for one",
        f"{_F}pregnancies",
        "return not (known.is_refuted or known.is_unsure)",
        "return True",
    ),
    Mutant(
        "tell of an illness of today that it has ended",
        f"{_F}past",
        "if standing.isdisjoint(known.sought)",
        "if True",
    ),
    Mutant(
        "drop illnesses that have ended",
        f"{_S}procedures",
        'yield from grouped(record, "problem", over, "stopped")',
        "pass",
    ),
    Mutant(
        "drop procedures of years ago",
        f"{_S}procedures",
        "older[same] = item",
        "pass",
    ),
    Mutant(
        "name the paperwork of years ago among procedures",
        f"{_S}procedures",
        "same not in older and not _is_minor(item)",
        "same not in older",
    ),
    # How laboratories write an alarm.
    Mutant(
        "read no critical note",
        f"{_F}readings",
        'if "note" in resource and is_critical_by_note(resource):',
        "if False:",
    ),
    Mutant(
        "take a note about limits for an alarm",
        f"{_F}marks",
        'and found & _SINGLE["told"]\n',
        "\n",
    ),
    Mutant(
        "read high in a finding",
        f"{_F}marks",
        "if not heard or not heard <= _MARK_WORDS",
        "if not heard",
    ),
    Mutant(
        "drop a note beside a number without mark or range",
        f"{_F}marks",
        'and "referenceRange" not in resource\n',
        'and "referenceRange" in resource\n',
    ),
    Mutant(
        "read no range in words",
        f"{_F}ranges",
        'low, high = _in_words(text(limits, "text"))',
        "pass",
    ),
    # What weighs less stands behind what weighs more.
    Mutant(
        "list circumstances of life before illnesses",
        f"{_S}problems",
        "for of_life in (False, True):",
        "for of_life in (True, False):",
    ),
    Mutant(
        "tell one value twice",
        f"{_W}observations",
        "unlike = [each for each in told if value_of(*each) != shown]",
        "unlike = told",
    ),
    # Cards: referrals at a booking, and what must be shown directly below the fold.
    Mutant(
        "tell every task at a booking",
        _BOOKING,
        'return bool({"must_show", "for_visit"} & {*said.flags})',
        "return True",
    ),
    Mutant(
        "forget referrals at a booking",
        _BOOKING,
        'return bool({"must_show", "for_visit"} & {*said.flags})',
        "return False",
    ),
    Mutant(
        "forget the young referral for which a visit is booked",
        _BOOKING,
        '{"must_show", "for_visit"} & {*said.flags}',
        '{"must_show"} & {*said.flags}',
    ),
    Mutant(
        "count a referral among orders",
        _BOOKING,
        '(referrals, "referral open", "referrals open"),',
        '(referrals, "order without a result", "orders without a result"),',
    ),
    Mutant(
        "leave out the last visit below the fold",
        _CARDS,
        '    "visit": 4,\n',
        "",
    ),
    Mutant(
        "cut what must be shown below the fold",
        _CARDS,
        '"attention": 40,',
        '"attention": 6,',
    ),
    Mutant(
        "leave a stay out above the fold",
        _CARDS,
        '    ("changes", "encounter", "acute", FOLD),\n',
        "",
    ),
    Mutant(
        "take from a list what stands above the fold",
        _CARDS,
        "if whole or each not in told",
        "if each not in told",
    ),
    Mutant(
        "lose that a line of a card is restricted",
        _CARDS,
        'return f"[restricted] {line.text}" if "restricted" in line.statement.flags else line.text',
        "return line.text",
    ),
    Mutant(
        "offer a note of what is restricted",
        _CARDS,
        "note=NOTE if open_to_all else None,",
        "note=NOTE,",
    ),
    Mutant(
        "give each of two emergencies a line above the fold",
        _CARDS,
        "if kind in ON_ONE_LINE else",
        "if kind in () else",
    ),
    Mutant(
        "drop the emergencies that the shared line does not name",
        _CARDS,
        "for each in texts[:NAMED]}",
        "for each in texts}",
    ),
    Mutant(
        "keep still that there were more emergencies than the line names",
        _CARDS,
        'return f"{named}; and {len(texts) - NAMED} more" if len(texts) > NAMED else named',
        "return named",
    ),
    Mutant(
        "have a restricted stay share a line above the fold",
        _CARDS,
        "return free, [line for line in lines if line not in free]",
        "return lines, []",
    ),
    Mutant(
        "let new results fill the fold",
        _CARDS,
        '("changes", "result", "abnormal", 2)',
        '("changes", "result", "abnormal", FOLD)',
    ),
    # Doses in words, and where a medicine acts.
    Mutant(
        "understand a dose without its frequency",
        f"{_F}doses",
        "if len(often) != 1:",
        "often = often or {''}\n    if False:",
    ),
    Mutant(
        "understand a dose of which a word is not known",
        f"{_F}doses",
        "elif part[0] not in _FILL:",
        "elif False:",
    ),
    Mutant(
        "call doses that are not understood alike",
        f"{_F}medicine_conflicts",
        'return "worded"',
        'return "alike"',
    ),
    Mutant(
        "compare amounts without their unit",
        f"{_F}doses",
        "return Dose(*taken, often.pop()) if taken else None",
        'return Dose(taken[0], "", often.pop()) if taken else None',
    ),
    Mutant(
        "read 1,000 mg as 1 and 0",
        f"{_F}doses",
        'return _THOUSANDS.sub("", said)',
        "return said",
    ),
    Mutant(
        "take every number of tablets for one",
        f"{_F}doses",
        "return Decimal(title[at]) * next(iter(told.values())), title[at + 1]",
        "return Decimal(title[at]), title[at + 1]",
    ),
    Mutant(
        "set a spray for the nose beside an inhaler",
        f"{_F}medicine_conflicts",
        "places.setdefault(acts_on(each), []).append(each)",
        'places.setdefault("", []).append(each)',
    ),
    Mutant(
        "call drops for an eye high-alert",
        f"{_F}medicines",
        "return () if found and is_on_the_surface(entry) else found",
        "return found",
    ),
    Mutant(
        "call whatever is given to the body a thing of its surface",
        f"{_F}doses",
        "return acts_on(entry) in _ON_THE_SURFACE",
        "return True",
    ),
    Mutant(
        "find insulin in a needle",
        "cds_service.domain.tables",
        "if self.misnomer_words.isdisjoint(said):",
        "if True:",
    ),
    Mutant(
        "call what a patient takes planned",
        f"{_F}medicine_entries",
        "is_planned=is_order and not is_reported and intent in",
        "is_planned=is_order and intent in",
    ),
    Mutant(
        "rank a conflict by what only one of its medicines holds",
        f"{_S}attention",
        "*_alert(medicine_conflicts.alerts_in_common(items))",
        "*_alert(any(map(medicines.alerts_of, items)))",
    ),
    Mutant(
        "set two anticoagulants apart",
        f"{_W}medicines",
        "key=lambda pair: (pair[0].high_alert, pair[0].name)",
        "key=lambda pair: pair[0].name",
    ),
)
