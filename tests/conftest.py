"""Fixtures that every test may ask for."""

import gc
import itertools
import os
from contextlib import contextmanager

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from tests.ground import standing
from tests.guard import stay_here
from tests.real.postgres import cluster_running

stay_here()

settings.register_profile(
    "product", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("product")

_NUMBERS = itertools.count(1)


def pytest_xdist_auto_num_workers(config):
    """Return how many processes share the tests: one more than there are cores, because many tests wait."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items):
    """Put the files with long tests first: whoever shares the work ends with short ones, and at the same time."""
    long = {
        each.path for each in items if {"real", "slow"} & {one.name for one in each.iter_markers()}
    }
    items.sort(key=lambda each: each.path not in long)


def pytest_collection_finish():
    """Spare the collector what stays to the end: thousands of tests, and whatever they imported.

    To look through all of that again and again took a fifth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def ground(tmp_path):
    """The simulated EHR and the service, connected in this process."""
    async with standing(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def postgres():
    """Run one PostgreSQL; this will be its URL without a database's name."""
    with cluster_running() as url:
        yield url


@pytest.fixture
def postgres_url(postgres):
    """Make an empty database for one test; this will be its URL, as `CDS_DATABASE_URL` takes it."""
    with _empty(postgres) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", pytest.param("pg", marks=pytest.mark.real)])
def database_url(request):
    """Let a module run on SQLite and, in the real run, on PostgreSQL too; this will be the URL to do so."""
    if request.param == "sqlite":
        yield ""
        return
    with _empty(request.getfixturevalue("postgres")) as url:
        yield url


@contextmanager
def _empty(postgres):
    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"{postgres}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
