"""A store with an account in it, and the few things that tests do to it again and again."""

from pathlib import Path
from typing import Any, Self

from sqlalchemy import Table, select

from ringback.accounts import keys
from ringback.flows import send_text as flow
from ringback.flows.pace_texts import PaceGate
from ringback.flows.send_text import Line, SendText
from ringback.kit.clock import MovableClock
from ringback.kit.ids import IdMaker
from ringback.storage import outbox, schema
from ringback.storage.opening import open_store
from ringback.storage.outbox import Claimed
from ringback.storage.statements import Statement
from ringback.storage.store import Store
from ringback.storage.tx import Row, Tx
from ringback.testing.server import OwnSettings

LINE = Line(lambda e164, country: "enabled", b"k" * 32)
START_MS = 1_800_000_000_000


class World:
    """`store` is open inside `async with`; `account` holds the numbers `numbers`."""

    store: Store
    account: str
    numbers: list[str]

    def __init__(self, data: Path, database_url: str | None, *, numbers: int = 3) -> None:
        self.settings = OwnSettings(data=data, database_url=database_url)
        self.clock = MovableClock(frozen_ms=START_MS)
        self.ids = IdMaker(self.clock)
        self.woken: list[str] = []
        self._count = numbers

    async def __aenter__(self) -> Self:
        self.store = await self.another_store()
        self.account, self.numbers = await self.add_account("first", self._count)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.store.stop()

    async def another_store(self) -> Store:
        """One more store on the same database, as another process would have it."""
        return await open_store(self.settings, self.clock, self.ids, self.woken.append)

    async def add_account(self, name: str, numbers: int = 1, first: int = 0) -> tuple[str, list[str]]:
        def unit(tx: Tx) -> tuple[str, list[str]]:
            account = keys.create_account(tx, name)
            return account, [_add_number(tx, account, first + n) for n in range(numbers)]

        return await self.store.write(unit)

    def text(self, to: str, body: str = "Hi", *, number: int = 0) -> SendText:
        return SendText(self.account, to, body, number_id=self.numbers[number])

    async def send(self, asked: SendText, store: Store | None = None, line: Line = LINE) -> Row:
        return await (store or self.store).write(
            lambda tx: flow.send_text(tx, line, asked),
            account=asked.account_id,
            needs=flow.needs(line, asked),
        )

    async def rows(self, table: Table, **where: Any) -> list[Row]:
        """Rows of a table whose columns are as said, in the order of its key."""
        statement = Statement(select(table).order_by(*table.primary_key.columns))
        found = await self.store.read(lambda db: db.all(statement))
        return [row for row in found if all(row[name] == value for name, value in where.items())]

    async def head(self) -> Row:
        return (await self.rows(schema.accounts, id=self.account))[0]

    async def lane(self, number: int = 0) -> Row:
        lane_id = outbox.lane_for_texts(self.numbers[number])
        return (await self.rows(schema.lanes, id=lane_id))[0]

    async def claim(
        self,
        most: int = 64,
        cap: int = 16,
        *,
        token: str = "token",
        lease_until: int = 1 << 60,
        store: Store | None = None,
        line: Line | None = None,
        gate: PaceGate | None = None,
    ) -> list[Claimed]:
        return await (store or self.store).write(
            lambda tx: outbox.claim(
                tx,
                flow.KIND,
                carrier="simulated",
                most=most,
                cap=cap,
                token=token,
                lease_until=lease_until,
                gate=gate or PaceGate((line or LINE).paces, lambda tx, row: None),
            )
        )


def _add_number(tx: Tx, account: str, n: int) -> str:
    e164 = f"+1415555{n:04d}"
    row = tx.insert(
        schema.numbers,
        account_id=account,
        id=tx.new_id("num"),
        e164=e164,
        country="US",
        area_code="415",
        carrier="simulated",
        order_id="ord",
        created_at=tx.now,
    )
    tx.insert(schema.number_owners, e164=e164, account_id=account, number_id=row["id"])
    number_id: str = row["id"]
    return number_id
