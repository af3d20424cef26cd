"""The PostgreSQL store. Imported only where a database's URL is set: psycopg is an optional extra."""

from ringback.storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
