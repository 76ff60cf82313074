"""The disk of the PostgreSQL server is full: it reads and refuses to write. Nothing is lost, nothing is doubled."""

import time

import psycopg
import pytest

from tests.processes import standing, until
from tests.real.postgres import cluster

BRIEFS = 9
FULL_S = 3.0
NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
"""
"""What a server with a full disk answers to whoever writes (SQLSTATE 53100)."""
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""
REFUSE = "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION no_room()"


class Disk:
    """The server's disk, which a test fills and empties."""

    def __init__(self, url):
        self.url = url

    def on_each_table(self, statement, *before):
        with psycopg.connect(self.url, autocommit=True) as connection:
            for each in before:
                connection.execute(each)
            for (table,) in connection.execute(TABLES).fetchall():
                connection.execute(statement.format(table))

    def fill(self):
        self.on_each_table(REFUSE, NO_ROOM)

    def empty(self):
        self.on_each_table("DROP TRIGGER full_disk ON {}")


@pytest.fixture
def database():
    with cluster() as running:
        yield running.create("filling")


def test_a_full_disk_of_the_server_is_told_takes_no_token_twice_and_loses_nothing(
    database, tmp_path
):
    disk = Disk(database)
    with standing(tmp_path, database=database, delay_s=0.3) as stand:
        api, worker = stand.serve("api"), stand.worker()
        asked = stand.ask(BRIEFS)
        until(lambda: stand.states()["ready"] >= 2, 60)
        assert stand.open_chart(api, "p0")[0] == 200
        disk.fill()
        answers = {stand.open_chart(api, f"p{number}")[0] for number in range(6)}
        time.sleep(FULL_S)
        status, told = api.ready()
        assert answers == {503}, "a token that cannot be claimed may have been used before"
        assert (status, "database" in told["reasons"]) == (503, True)
        assert worker.popen.poll() is None, "it goes on"
        disk.empty()
        until(lambda: api.ready()[0] == 200, 20)
        assert stand.open_chart(api, "p0")[0] == 200
        until(lambda: set(stand.states()) <= {"ready"}, 120)
        ends = stand.entries("prepare", "ready")
        assert {ends[each] for each in asked} == {1}
        assert stand.chain_problem() == ""
