"""Runs the migrations on the connection that `storage/schema.py` passes, inside its transaction."""

from alembic import context

from cds_service.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
