"""How statements are spelled for psycopg. Here and not beside SQLite's, since importing it takes a tenth of a second."""

from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.engine import Dialect

POSTGRES: Dialect = psycopg.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
