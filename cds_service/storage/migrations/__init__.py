"""How the tables came to be: one module for each revision, in a line, run by Alembic."""
