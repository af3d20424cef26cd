"""Queries on calls, their turns and their times."""

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, literal_column, null, or_, select, update

from ringback.storage.schema import accounts, call_timelines, call_turns, calls, voice_hosts, web_tokens
from ringback.storage.statements import Statement
from ringback.storage.tx import Reads, Row, Tx

_OWN = calls.c.account_id == bindparam("account_id")
_NEWEST_FIRST = (calls.c.created_at.desc(), calls.c.id.desc())
_IS_LIVING = calls.c.ended_at.is_(None)
_NOT_DIGITS = re.compile(r"\D", re.ASCII)
Pages = tuple[Statement, Statement]
"""A page of calls, and how many there are."""


def _pages(*where: ColumnElement[bool]) -> Pages:
    page = select(calls).where(_OWN, *where).order_by(*_NEWEST_FIRST)
    return (
        Statement(page.limit(bindparam("limit")).offset(bindparam("offset"))),
        Statement(select(func.count().label("n")).select_from(calls).where(_OWN, *where)),
    )


_OF_AGENT = _pages(calls.c.agent_id == bindparam("agent_id"))
_OF_NUMBER = _pages(calls.c.number_id == bindparam("number_id"))
_BY_STATUS = calls.c.status == bindparam("status")
_BY_DIRECTION = calls.c.direction.in_([bindparam("direction"), bindparam("or_direction")])
_BY_DIGITS = or_(calls.c.from_e164.like(bindparam("digits")), calls.c.to_e164.like(bindparam("digits")))
_FILTERED = {
    given: _pages(
        *[one for one, on in zip((_BY_STATUS, _BY_DIRECTION, _BY_DIGITS), given, strict=True) if on]
    )
    for given in product((False, True), repeat=3)
}
_TURNS = Statement(
    select(call_turns)
    .where(
        call_turns.c.account_id == bindparam("account_id"),
        call_turns.c.call_id == bindparam("call_id"),
        call_turns.c.n > bindparam("after"),
    )
    .order_by(call_turns.c.n)
)
_TIMES = Statement(
    select(call_timelines)
    .where(
        call_timelines.c.account_id == bindparam("account_id"),
        call_timelines.c.call_id == bindparam("call_id"),
    )
    .order_by(call_timelines.c.turn_id)
)
_CLEAR_AGENT = Statement(
    update(calls)
    .where(calls.c.account_id == bindparam("of_account"), calls.c.agent_id == bindparam("of_agent"))
    .values(agent_id=null())
)
_ERASE_ALL = Statement(
    update(calls)
    .where(calls.c.account_id == bindparam("of_account"), calls.c.recording == literal_column("'available'"))
    .values(recording=literal_column("'erasing'"))
)
_WAITING = Statement(
    select(calls)
    .where(_IS_LIVING, calls.c.host.is_(None), calls.c.direction == literal_column("'outbound'"))
    .order_by(calls.c.created_at)
    .limit(bindparam("most"))
)
_OF_HOST = Statement(select(calls).where(_IS_LIVING, calls.c.host == bindparam("host")))
_LIVING_OF = Statement(select(calls).where(_IS_LIVING, _OWN))
_LIVING = Statement(
    select(calls.c.direction, calls.c.status, func.count().label("n"))
    .where(_IS_LIVING)
    .group_by(calls.c.direction, calls.c.status)
)
_LOST = Statement(
    select(calls)
    .select_from(calls.outerjoin(voice_hosts, voice_hosts.c.id == calls.c.host))
    .where(
        _IS_LIVING,
        calls.c.host.is_not(None),
        func.coalesce(voice_hosts.c.alive_until, 0) < bindparam("real_now"),
    )
    .limit(bindparam("most"))
)
_LIVING_HOST = Statement(
    select(voice_hosts).where(voice_hosts.c.alive_until >= bindparam("real_now")).limit(1)
)
_UNUSED = Statement(
    select(web_tokens)
    .where(web_tokens.c.expires_at <= bindparam("now"))
    .order_by(web_tokens.c.expires_at)
    .limit(bindparam("most"))
)
_NEXT_UNUSED = Statement(select(func.min(web_tokens.c.expires_at).label("at")).select_from(web_tokens))
_ERASING = Statement(
    select(calls)
    .where(
        calls.c.recording.in_([literal_column("'available'"), literal_column("'erasing'")]),
        calls.c.recording == literal_column("'erasing'"),
    )
    .limit(bindparam("most"))
)
_IS_RECORDED = (
    calls.c.recording.in_([literal_column("'available'"), literal_column("'erasing'")]),
    calls.c.recording == literal_column("'available'"),
    calls.c.ended_at.is_not(None),
)
_OLD_RECORDINGS = Statement(
    select(calls)
    .where(*_IS_RECORDED, calls.c.created_at < bindparam("before"))
    .order_by(calls.c.created_at)
    .limit(bindparam("most"))
)
_OLDEST_RECORDED = Statement(
    select(calls.c.created_at).where(*_IS_RECORDED).order_by(calls.c.created_at).limit(1)
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls of an account are wanted; `directions` are one or two, `search` is part of either number."""

    status: str | None = None
    directions: tuple[str, ...] | None = None
    search: str | None = None


def page(db: Reads, account_id: str, wanted: Filter, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """Calls newest first, and how many there are."""
    params: dict[str, Any] = {"account_id": account_id}
    if wanted.status is not None:
        params["status"] = wanted.status
    if wanted.directions is not None:
        if not wanted.directions:
            return [], 0
        params |= {"direction": wanted.directions[0], "or_direction": wanted.directions[-1]}
    if wanted.search is not None:
        digits = _NOT_DIGITS.sub("", wanted.search)
        if not digits:
            return [], 0
        params["digits"] = f"%{digits}%"
    given = (wanted.status is not None, wanted.directions is not None, wanted.search is not None)
    if any(given):
        return _read(db, _FILTERED[given], params, limit, offset)
    rows = db.all(_FILTERED[given][0], **params, limit=limit, offset=offset)
    return rows, total(db, account_id)


def page_of_agent(
    db: Reads, account_id: str, agent_id: str, *, limit: int, offset: int
) -> tuple[list[Row], int]:
    return _read(db, _OF_AGENT, {"account_id": account_id, "agent_id": agent_id}, limit, offset)


def page_of_number(
    db: Reads, account_id: str, number_id: str, *, limit: int, offset: int
) -> tuple[list[Row], int]:
    return _read(db, _OF_NUMBER, {"account_id": account_id, "number_id": number_id}, limit, offset)


def _read(db: Reads, pages: Pages, params: dict[str, Any], limit: int, offset: int) -> tuple[list[Row], int]:
    rows, counted = db.all(pages[0], **params, limit=limit, offset=offset), db.one(pages[1], **params)
    assert counted is not None
    return rows, int(counted["n"])


def total(db: Reads, account_id: str) -> int:
    """How many calls there ever were, from the account's counter."""
    head = db.get(accounts, account_id)
    assert head is not None
    return int(head["call_count"])


def turns(db: Reads, call: Row, *, after: int = 0) -> list[Row]:
    """What was said after turn `after`, oldest first."""
    return db.all(_TURNS, account_id=call["account_id"], call_id=call["id"], after=after)


def times(db: Reads, call: Row) -> list[Row]:
    """When the steps of its turns were reached."""
    return db.all(_TIMES, account_id=call["account_id"], call_id=call["id"])


def clear_agent(tx: Tx, account_id: str, agent_id: str) -> None:
    """The agent is gone; its calls stay."""
    tx.execute(_CLEAR_AGENT, [calls], of_account=account_id, of_agent=agent_id)


def erase_recordings(tx: Tx, account_id: str) -> None:
    """Nobody hears the account's recordings any more; their files are to be removed."""
    tx.execute(_ERASE_ALL, [calls], of_account=account_id)


def waiting(db: Reads, *, most: int = 100) -> list[Row]:
    """Calls of anybody that are queued and that no host has taken, oldest first."""
    return db.all(_WAITING, most=most)


def of_host(db: Reads, host: str) -> list[Row]:
    """The living calls that a host holds."""
    return db.all(_OF_HOST, host=host)


def living(db: Reads, account_id: str) -> list[Row]:
    return db.all(_LIVING_OF, account_id=account_id)


def count_living(db: Reads) -> dict[tuple[str, str], int]:
    """How many calls of anybody live, by direction and status."""
    return {(row["direction"], row["status"]): int(row["n"]) for row in db.all(_LIVING)}


def lost(db: Reads, *, real_now: int, most: int = 100) -> list[Row]:
    """Living calls of anybody whose host is dead at `real_now` (ms)."""
    return db.all(_LOST, real_now=real_now, most=most)


def living_host(db: Reads, *, real_now: int) -> Row | None:
    """A process that lives and holds calls, if there is one."""
    return db.one(_LIVING_HOST, real_now=real_now)


def unused_tokens(db: Reads, *, now: int, most: int = 100) -> list[Row]:
    """Tokens of browsers that nobody came with in time."""
    return db.all(_UNUSED, now=now, most=most)


def next_unused(db: Reads) -> int | None:
    """When (clock) the next token is too old."""
    row = db.one(_NEXT_UNUSED)
    return None if row is None or row["at"] is None else int(row["at"])


def erasing(db: Reads, *, most: int = 100) -> list[Row]:
    """Calls of anybody whose recording is deleted and whose file may still be there."""
    return db.all(_ERASING, most=most)


def old_recordings(db: Reads, *, before: int, most: int = 100) -> list[Row]:
    """Calls of anybody that were recorded before `before` (clock ms)."""
    return db.all(_OLD_RECORDINGS, before=before, most=most)


def oldest_recorded(db: Reads) -> int | None:
    """When (clock) the oldest call of anybody was made that has a recording and is over."""
    row = db.one(_OLDEST_RECORDED)
    return None if row is None else int(row["created_at"])
