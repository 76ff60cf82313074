"""One record for each EHR tenant, read from `<CDS_SITES>/<site>.toml`."""

from cds_service.sites.blanks import is_left, unfilled
from cds_service.sites.file import Backend, Fhir, Range, SiteFile, Smart, Trust
from cds_service.sites.load import (
    SITE_NAME,
    check_apart,
    load_site,
    load_sites,
    not_taken,
    site_files,
)
from cds_service.sites.site import OfSite, Site, Sites

__all__ = [
    "SITE_NAME",
    "Backend",
    "Fhir",
    "OfSite",
    "Range",
    "Site",
    "SiteFile",
    "Sites",
    "Smart",
    "Trust",
    "check_apart",
    "is_left",
    "load_site",
    "load_sites",
    "not_taken",
    "site_files",
    "unfilled",
]
