"""Sensitive categories: how each is recognised, as data with its sources, and what a site does with it."""

from cds_service.sensitive.marks import DEFAULT, Marks, load_marks
from cds_service.sensitive.policy import Action, MoreCodes, Sensitive

__all__ = ["DEFAULT", "Action", "Marks", "MoreCodes", "Sensitive", "load_marks"]
