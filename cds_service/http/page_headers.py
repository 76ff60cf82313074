"""What a browser may do with our pages: nothing but show them, in the frames of this site's EHR only."""

from cds_service.sites import Site


def page_headers(site: Site, *, may: str = "", referrer: str = "no-referrer") -> dict[str, str]:
    """Return the headers of a page; `may` holds directives of its content security policy beyond the least."""
    smart = site.file.smart
    frames = " ".join(smart.frame_ancestors) if smart and smart.frame_ancestors else "'none'"
    return {
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self';"
        f"{may} base-uri 'none'; frame-ancestors {frames}",
        "Cache-Control": "no-store",
        "Referrer-Policy": referrer,
        "X-Content-Type-Options": "nosniff",
    }
