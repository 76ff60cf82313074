"""The brief: rules choose statements, one renderer writes them from the resources that they cite."""

from cds_service.brief.must_show import missing, must_show
from cds_service.brief.record import Record, index
from cds_service.brief.render import fits, render
from cds_service.brief.reread import Sight, for_call, from_json
from cds_service.brief.rules import RULES_VERSION, line, rule_brief
from cds_service.brief.show import FORM, to_json, to_text

__all__ = [
    "FORM",
    "RULES_VERSION",
    "Record",
    "Sight",
    "fits",
    "for_call",
    "from_json",
    "index",
    "line",
    "missing",
    "must_show",
    "render",
    "rule_brief",
    "to_json",
    "to_text",
]
