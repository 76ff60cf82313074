"""The simulated EHR is another party: it knows nothing of ours, and only the command line knows it."""

from tests.architecture.source import PRODUCT, imported, modules

SIMULATOR = "cds_service/simulator/"


def test_the_simulator_imports_nothing_of_ours():
    foreign = {
        f"{path}: {name}"
        for path in modules()
        if path.startswith(SIMULATOR)
        for name in imported(path)
        if name.split(".")[0] in PRODUCT and not f"{name}.".startswith("cds_service.simulator.")
    }
    assert foreign == set()


def test_only_the_command_line_imports_the_simulator():
    importers = {
        path
        for path in modules()
        if not path.startswith(SIMULATOR)
        and any(f"{name}.".startswith("cds_service.simulator.") for name in imported(path))
    }
    assert importers
    assert {path for path in importers if not path.startswith("cds_service/cli/")} == set()
