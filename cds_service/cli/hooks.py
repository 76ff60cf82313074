"""`cds-service new-hook` and `check-hook`: add a CDS service in one folder, and check it."""

import argparse
import asyncio
import json
import re
from collections.abc import Iterator
from difflib import unified_diff
from importlib import import_module, resources
from pathlib import Path
from string import Template

from pydantic import ValidationError

from cds_service.catalog import check_service, package_places
from cds_service.cli.terminal import counted, shown
from cds_service.domain.errors import CdsError, Misconfigured
from cds_service.flow.rehearse import example_site, rehearse
from cds_service.hook import HOOKS, NEEDS, HookService
from cds_service.http.cds_hooks_2 import read_request
from cds_service.vendors import load_profile, queries, vendor_names
from discovery.document import prefetch

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
Finding = tuple[bool, str]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    new = commands.add_parser("new-hook", help="scaffold a CDS service in a folder of its own")
    new.add_argument("name", metavar="NAME", help="the folder, e.g. med_review")
    new.add_argument("--hook", required=True, choices=sorted(HOOKS))
    new.add_argument("--package", default="hooks", help="the package that holds it")
    new.set_defaults(run=run_new)
    check = commands.add_parser("check-hook", help="check a CDS service and run its examples")
    check.add_argument("name", metavar="NAME")
    check.add_argument("--package", default="hooks", help="the package that holds it")
    check.add_argument(
        "--write", action="store_true", help="write the cards that its examples give as expected"
    )
    check.add_argument("--show", metavar="EXAMPLE", help="only print the cards of one example")
    check.set_defaults(run=run_check)


def run_new(args: argparse.Namespace) -> int:
    """Write the folder and say what comes next."""
    if not _NAME.fullmatch(args.name):
        raise Misconfigured("NAME must be a folder name: lower-case letters, digits and '_'.")
    package = _package(args.package)
    if not package.resolve().is_relative_to(Path.cwd()):
        raise Misconfigured(
            f"The package {args.package!r} that is found is {package}: not below this folder."
        )
    folder = package / args.name
    if folder.exists():
        raise Misconfigured(f"{folder} exists already.")
    words = {
        "name": args.name,
        "id": args.name.replace("_", "-"),
        "title": args.name.replace("_", " ").capitalize(),
        "hook": args.hook,
        "package": args.package,
    }
    for source, target in _FILES:
        text = resources.files("cds_service.cli").joinpath("hook_template", source)
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(Template(text.read_text(encoding="utf-8")).substitute(words), "utf-8")
        print(f"wrote {place}")
    print(
        f"\nNext: say what to read in service.py and what to show in cards.py, then\n"
        f"  cds-service check-hook {args.name}"
    )
    return 0


_FILES = (
    ("init.txt", "__init__.py"),
    ("service.txt", "service.py"),
    ("cards.txt", "cards.py"),
    ("readme.txt", "README.md"),
    ("request.txt", "examples/first/request.json"),
    ("expected.txt", "examples/first/cards.json"),
)


def run_check(args: argparse.Namespace) -> int:
    """Print one line for each finding; exit status 1 when one is bad."""
    folder = _package(args.package) / args.name
    if not (folder / "service.py").is_file():
        raise Misconfigured(f"There is no {folder}/service.py; cds-service new-hook writes one.")
    service = getattr(import_module(f"{args.package}.{args.name}.service"), "SERVICE", None)
    if not isinstance(service, HookService):
        raise Misconfigured(f"{folder}/service.py must define SERVICE, a HookService.")
    if args.show:
        return _show(folder / "examples" / args.show / "request.json", service)
    findings = [*_published(folder, service), *_examples(folder, service, write=args.write)]
    for good, said in findings:
        print(f"{'ok  ' if good else 'FAIL'}  {said}")
    return 0 if all(good for good, _ in findings) else 1


def _published(folder: Path, service: HookService) -> Iterator[Finding]:
    check_service(folder.name, service)
    yield True, f"{service.id} answers {service.hook}"
    yield from _words(folder, service)
    yield "patient" in service.needs, "it reads the patient, without whom there is no answer"
    templates = prefetch(service, example_site())
    yield bool(templates), f"publishes {len(templates)} prefetch templates"
    for vendor in vendor_names():
        missing = [need for need in service.needs if not queries(need, load_profile(vendor))]
        said = (
            "every need"
            if not missing
            else "all but " + ", ".join(NEEDS[need].title.lower() for need in missing)
        )
        yield True, f"{vendor}: {said} can be read"


def _words(folder: Path, service: HookService) -> Iterator[Finding]:
    """Look at what an EHR's analyst reads of a service: the packet prints its README, discovery its description."""
    readme = folder / "README.md"
    if not readme.is_file():
        yield False, "README.md is missing: what the service is for, and where its limits are"
        return
    scaffold = {*_lines("readme.txt")[1:]}
    left = [line for line in readme.read_text("utf-8").splitlines() if line and line in scaffold]
    if left:
        yield False, f"README.md still has the scaffold's words: {left[0]}"
    else:
        yield True, "README.md says what it is for and where its limits are"
    if f'description="{service.description}",' in map(str.strip, _lines("service.txt")):
        yield False, "the description is still the scaffold's"


def _lines(source: str) -> list[str]:
    """Return the lines of a file that `new-hook` writes."""
    text = resources.files("cds_service.cli").joinpath("hook_template", source)
    return text.read_text(encoding="utf-8").splitlines()


def _examples(folder: Path, service: HookService, *, write: bool) -> Iterator[Finding]:
    requests = sorted(folder.glob("examples/*/request.json"))
    yield bool(requests), counted(len(requests), "example")
    for file in requests:
        try:
            cards = example_cards(file, service)
        except CdsError as problem:
            yield False, f"{file.parent.name}: {problem}"
            continue
        except ValidationError as problem:
            first = problem.errors()[0]
            place = ".".join(map(str, first["loc"]))
            yield False, f"{file.parent.name}: a card's {place}: {first['msg']}"
            continue
        expected = file.with_name("cards.json")
        if write:
            expected.write_text(json.dumps(cards, indent=2, ensure_ascii=False) + "\n", "utf-8")
        known = json.loads(expected.read_text("utf-8")) if expected.is_file() else []
        said = f"{file.parent.name}: {counted(len(cards), 'card')}"
        differs = _difference(known, cards)
        if differs:
            yield False, f"{said}, not as expected (accept it with --write):\n{differs}"
        else:
            yield True, f"{said} as expected"


def _difference(expected: object, given: object) -> str:
    """Return how two answers differ, line by line; "" where they do not."""
    before, after = (
        json.dumps(each, indent=2, ensure_ascii=False).splitlines() for each in (expected, given)
    )
    lines = unified_diff(before, after, "expected", "given", lineterm="", n=2)
    return "\n".join(f"      {line}" for line in lines)


def _show(file: Path, service: HookService) -> int:
    if not file.is_file():
        raise Misconfigured(f"There is no {file}.")
    for card in example_cards(file, service):
        print("\n".join(shown(card)) + "\n")
    return 0


def example_cards(file: Path, service: HookService) -> list[dict[str, object]]:
    """Return the cards of one example's request. Raises what a real call would raise."""
    return asyncio.run(rehearse(service, read_request(file.read_bytes()), example_site()))


def _package(name: str) -> Path:
    return Path(package_places(name)[0])
