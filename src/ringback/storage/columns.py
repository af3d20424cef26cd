"""The kinds of columns that tables are made of."""

from sqlalchemy import BigInteger, Column, Text


def text(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null, default=default)


def integer(
    name: str, *, key: bool = False, null: bool = False, default: int | None = None, change: str | None = None
) -> Column[int]:
    """`change`: units may move the column without reading it, by adding to it ("sum") or to an earlier time ("first")."""
    info = {"change": change}
    return Column(
        name, BigInteger, primary_key=key, nullable=null, default=default, autoincrement=False, info=info
    )


def account() -> Column[str]:
    return text("account_id", key=True)
