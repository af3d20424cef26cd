"""What all tables share."""

from typing import Final

from sqlalchemy import MetaData

metadata: Final = MetaData()
GLOBAL: Final = {"is_global": True}
"""Tables whose rows no account's lock covers: they are written last, in key order."""
