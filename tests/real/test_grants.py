"""The service on PostgreSQL as a role that has what the page about the audit grants, and nothing more."""

import re
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from cds_service.storage import open_database
from cds_service.storage.schema import upgrade
from tests.architecture.source import ROOT
from tests.flow.canary import body
from tests.prepare.conftest import until, working
from tests.storage.databases import RING, run

pytestmark = pytest.mark.anyio
PAGE = (ROOT / "docs" / "how-to" / "read-the-audit.md").read_text("utf-8")
GRANTS = re.search(r"```sql\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
async def as_service(postgres_url, tmp_path):
    """Upgrade a database as its owner, and return the URL at which a role connects that owns nothing."""
    owner = open_database(postgres_url, data_dir=tmp_path, ring=RING)
    await upgrade(owner)
    await owner.close()
    role = f"cds_{uuid4().hex[:12]}"
    name = postgres_url.rpartition("/")[2]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        mine = re.sub(r"\bcds\b", role, GRANTS.replace("DATABASE cds", f"DATABASE {name}"))
        connection.execute(mine.encode())
    yield postgres_url.replace("postgres@", f"{role}@")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}".encode())


async def test_it_answers_prepares_and_tells_the_audit_and_can_change_nothing_of_it(
    as_service, tmp_path
):
    async with working(tmp_path, role="all", database_url=as_service) as works:
        assert (await works.ground.call(body())).status_code == 200
        brief = await works.ask()

        async def ready():
            return (await works.row(brief)).state == "ready"

        await until(ready, within_s=20.0)
        told = {entry["action"] for entry in await works.ground.audited()}
        assert {"answer", "prepare"} <= told
        for statement in (
            "UPDATE audit SET outcome = 'other'",
            "DELETE FROM audit",
            "TRUNCATE audit",
            "ALTER TABLE audit DISABLE TRIGGER USER",
            "DROP TABLE audit",
        ):
            with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
                await run(works.ground.service.database, statement)
