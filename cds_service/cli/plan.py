"""`cds-service site plan` and `site new`: which way to take for an EHR, and the site file that follows from it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from cds_service.catalog import load_catalog
from cds_service.domain.errors import Misconfigured
from cds_service.settings import read_settings
from cds_service.sites import SITE_NAME
from cds_service.vendors import load_profile, vendor_names
from discovery.page import html, markdown, text
from discovery.plan import Plan, Wish, make_plan, registration_of, served_by, year_and_month
from discovery.plan_page import plan_json, plan_page
from discovery.site_file import Given, site_file

FORMATS: dict[str, Callable[..., str]] = {"text": text, "markdown": markdown, "html": html}


def add(group: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    plan = group.add_parser(
        "plan", help="which way and which scopes for an EHR, and who approves what"
    )
    _add_wish(plan)
    plan.add_argument("--format", choices=sorted(FORMATS), default="text", help="of the output")
    plan.add_argument("--json", action="store_true", help="print JSON for a program")
    plan.set_defaults(run=run_plan)
    new = group.add_parser("new", help="write a commented site file from a plan")
    new.add_argument("name", metavar="NAME", help="the site's name, as it stands in every address")
    _add_wish(new)
    for option, said in (
        ("--title", "the name that stands on every card"),
        ("--timezone", "of the site's clock, such as America/New_York"),
        ("--fhir-base", "the EHR's FHIR base URL"),
        ("--iss", "the issuer of the EHR's tokens"),
        ("--jwks-url", "the EHR's key set"),
        ("--client-id", "our client id at this EHR"),
    ):
        new.add_argument(option, default="", help=said)
    new.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a search parameter of the site",
    )
    new.add_argument(
        "--allow", action="append", default=[], metavar="RANGE", help="a private range of the EHR"
    )
    new.set_defaults(run=run_new)


def _add_wish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vendor", help=f"one of {', '.join(vendor_names())}")
    parser.add_argument(
        "--version", default=None, help="of the EHR, such as 'May 2024' or 2024-05"
    )
    parser.add_argument(
        "--write", action=argparse.BooleanOptionalAction, default=None, help="write approved notes"
    )
    parser.add_argument(
        "--on-premise", action=argparse.BooleanOptionalAction, default=None, help="not in a cloud"
    )
    parser.add_argument(
        "--service",
        action="append",
        metavar="ID",
        help="a CDS service that is wanted; repeat it (without: those whose hook fires there)",
    )


def run_plan(args: argparse.Namespace) -> int:
    """Print the plan."""
    plan = _plan(args)
    if args.json:
        print(json.dumps(plan_json(plan), ensure_ascii=False))
    else:
        print(FORMATS[args.format](plan_page(plan)))
    return 0


def run_new(args: argparse.Namespace) -> int:
    """Write the site file; an existing one is never overwritten."""
    folder = read_settings().sites
    file = folder / f"{args.name}.toml"
    if not SITE_NAME.fullmatch(args.name):
        raise Misconfigured(
            "NAME must be lower-case letters, digits and '-', as it stands in the URL."
        )
    given = Given(
        title=args.title,
        timezone=args.timezone,
        fhir_base=args.fhir_base,
        iss=args.iss,
        jwks_url=args.jwks_url,
        client_id=args.client_id,
        params=dict(each.split("=", 1) for each in args.param if "=" in each),
        allow=tuple(args.allow),
    )
    _write(file, site_file(_plan(args), given))
    print(f"Wrote {file}.")
    print("Replace what says REPLACE, then: cds-service site packet " + args.name)
    return 0


def _write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise Misconfigured(
            f"{file} exists already: move it away, or take another name."
        ) from None
    except OSError as problem:
        raise Misconfigured(f"{file}: {problem.strerror}.") from None
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(content)


def _plan(args: argparse.Namespace) -> Plan:
    services = load_catalog(read_settings().hook_packages).by_id
    ask = sys.stdin.isatty()
    vendor = args.vendor or (_choose("Which EHR?", vendor_names()) if ask else "")
    if not vendor:
        raise Misconfigured(f"--vendor is needed; it is one of {', '.join(vendor_names())}.")
    profile = load_profile(vendor)
    wanted = tuple(args.service or served_by(profile, services.values()))
    for each in wanted:
        if each not in services:
            raise Misconfigured(f"--service {each}: there are {', '.join(sorted(services))}.")
    wish = Wish(
        vendor=vendor,
        version=_readable(
            _said(args.version, ask, f"Which version of {profile.title}? (empty: unknown) "),
            vendor,
        ),
        write=_yes(args.write, ask, "Shall approved notes be written into the chart?"),
        on_premise=_yes(args.on_premise, ask, "Does the EHR run on premise?"),
        services=wanted,
    )
    return make_plan(wish, services.values())


def _choose(question: str, names: Iterable[str]) -> str:
    listed = list(names)
    for number, name in enumerate(listed, 1):
        print(f"  {number}  {name}", file=sys.stderr)
    answer = _answer(f"{question} ")
    if answer.isdecimal() and 0 < int(answer) <= len(listed):
        return listed[int(answer) - 1]
    return answer


def _said(value: str | None, ask: bool, question: str) -> str:
    if value is not None:
        return value
    return _answer(question) if ask else ""


def _readable(version: str, vendor: str) -> str:
    """Return a version that can be read where it tells anything: passed over it would give the scopes of the newest."""
    if version and registration_of(vendor).version and not year_and_month(version):
        raise Misconfigured(
            f"--version {version!r} names no month of a year: write it as 'May 2024' or '2024-05',"
            " or leave it out where it is not known."
        )
    return version


def _yes(value: bool | None, ask: bool, question: str) -> bool:
    if value is not None:
        return value
    return ask and _answer(f"{question} (y/n) ").lower().startswith("y")


def _answer(question: str) -> str:
    """Ask on stderr: what is printed for a program stands alone on stdout."""
    print(question, end="", file=sys.stderr, flush=True)
    return input().strip()
