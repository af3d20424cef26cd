"""Migrations of the schema, by Alembic. Imported only when a store is not at its head."""
