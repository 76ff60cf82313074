"""The security labels that restrict an entry by themselves, whatever a site's policy says."""

RESTRICTED = frozenset(
    {"R", "V", "42CFRPart2", "ETH", "ETHUD", "GDIS", "HIV", "PSY", "SDV", "SEX", "STD", "SUD"}
)
"""Codes of HL7 v3-Confidentiality and v3-ActCode."""
