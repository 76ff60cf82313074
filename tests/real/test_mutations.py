"""A control that is taken away turns its test red: else the test would prove nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ATTACKS = "tests/verify/test_attacks.py::test_a_token_that_differs_in_one_respect_is_refused[sqlite-{}]".format
MUTATIONS = {
    "the signature": (
        "cds_service/verify/token.py",
        "if not is_signed(call.bearer, key, algorithm):",
        "if not call.bearer:",
        ATTACKS("claims changed after signing"),
    ),
    "the algorithm fits the key": (
        "cds_service/verify/keys.py",
        "    return _CURVES.get(type(key.curve)) == algorithm",
        "    return True",
        "tests/verify/test_key_sets.py::test_an_algorithm_fits_one_kind_of_key_and_one_curve",
    ),
    "the jku is the site's": (
        "cds_service/verify/token.py",
        "jku is not None and trust.jwks_url is not None and jku != trust.jwks_url",
        "jku is not None and trust.jwks_url is None",
        ATTACKS("a foreign jku"),
    ),
    "the audience": (
        "cds_service/verify/token.py",
        "        _check_audience(claims, call.url)\n",
        "",
        ATTACKS("aud is another site"),
    ),
    "a token is good once": (
        "cds_service/verify/replay.py",
        'raise NotTrusted("replayed")',
        "return",
        "tests/verify/test_attacks.py::test_a_token_is_good_once[sqlite]",
    ),
    "a member stands once": (
        "cds_service/verify/jws.py",
        "    if len(found) < len(pairs):",
        "    if len(found) > len(pairs):",
        ATTACKS("aud said twice, ours last"),
    ),
    "keys grow too old": (
        "cds_service/verify/keys.py",
        "if self._age(known) > MAX_STALE_S:",
        "if self._age(known) < 0:",
        (
            "tests/verify/test_key_sets.py"
            "::test_keys_at_hand_outlive_their_server_by_a_day_and_no_longer"
        ),
    ),
    "only named servers are called": (
        "cds_service/network/clients.py",
        "if _origin(request.url) not in self.origins:",
        "if not self.origins:",
        (
            "tests/network/test_clients.py"
            "::test_a_server_that_the_site_file_does_not_name_is_not_even_looked_up"
        ),
    ),
    "every address is checked": (
        "cds_service/network/guard.py",
        "        for address in found:\n",
        "        for address in found[:1]:\n",
        "tests/network/test_guard.py::test_one_bad_address_spoils_the_name",
    ),
    "attributes pass a list": (
        "cds_service/telemetry/allowed.py",
        "if is_allowed(name, value)}",
        "if is_allowed(name, value) or value}",
        "tests/telemetry/test_spans.py::test_nothing_of_a_patient_is_in_a_span_or_a_metric",
    ),
    "only keys that all know are retired": (
        "cds_service/storage/rotate.py",
        'if row["kid"] in seals.keys and row["created"] < made_before]',
        'if row["kid"]]',
        (
            "tests/storage/test_rotation.py::TestRotation"
            "::test_a_key_that_not_every_process_has_loaded_is_not_retired"
        ),
    ),
    "use is looked for again before a key is deleted": (
        "cds_service/storage/rotate.py",
        "idle = kids - await _kids_in_use(connection)",
        "idle = kids",
        (
            "tests/storage/test_rotation.py::TestRotation"
            "::test_a_key_that_came_into_use_after_the_look_is_not_retired"
        ),
    ),
    "a KMS says which key wrapped": (
        "cds_service/storage/keyring.py",
        'if told.get("kid") != self.newest:',
        "if not told:",
        "tests/storage/test_kms.py::test_a_wrapping_by_another_key_than_was_asked_for_is_refused",
    ),
    "what is no launch takes no place": (
        "cds_service/flow/sign_in.py",
        "            check_launch(site, iss=iss, launch=launch)\n",
        "",
        "tests/smart/test_launch.py::test_what_is_no_launch_takes_no_place",
    ),
    "an address has a limit of its own": (
        "cds_service/flow/launch_pace.py",
        "        own = self._pace_of(address).take(deadline)",
        '        own = self._pace_of("").take(deadline)',
        "tests/smart/test_launch.py::test_a_flood_from_one_address_keeps_nobody_else_out",
    ),
    "who is refused a page is told": (
        "cds_service/http/review.py",
        "if isinstance(problem, NotTrusted | NotAllowed | SignInFailed):",
        "if isinstance(problem, SignInFailed):",
        "tests/review/test_page.py::test_whoever_is_refused_a_page_stands_in_the_audit",
    ),
    "an ended role lends nothing": (
        "cds_service/flow/clinician.py",
        "and has_begun and not is_over",
        "and has_begun",
        (
            "tests/smart/test_clinician.py"
            "::test_a_role_counts_within_its_period_by_the_sites_calendar"
        ),
    ),
    "places are kept for the others": (
        "cds_service/http/places.py",
        "if others < 1 or free > kept:",
        "if free:",
        "tests/http/test_limits.py::test_a_flood_from_one_site_leaves_places_for_the_others",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the tests need; the copy is what is mutated."""
    folder = tmp_path_factory.mktemp("mutated")
    for name in ("cds_service", "hooks", "discovery", "tests", "deploy"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def fails(folder: Path, test: str) -> bool:
    """Run one test in a folder; this will be whether it failed, and raise when it did not run at all."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode not in {0, 1}:
        raise RuntimeError(ended.stdout[-2000:] + ended.stderr[-2000:])
    return ended.returncode == 1


@pytest.mark.parametrize("control", MUTATIONS)
def test_without_this_control_its_test_fails(copy: Path, control: str) -> None:
    """And with it the same test passes, in the same copy."""
    name, old, new, test = MUTATIONS[control]
    file = copy / name
    text = file.read_text("utf-8")
    assert text.count(old) == 1, "the control has moved: mend the table"
    assert not fails(copy, test)
    try:
        file.write_text(text.replace(old, new), "utf-8")
        assert fails(copy, test)
    finally:
        file.write_text(text, "utf-8")
