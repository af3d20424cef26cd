"""Sub-accounts on the wire (contract: SubAccount, SubAccountList)."""

from typing import TYPE_CHECKING

from ringback.kit.times import to_iso
from ringback.kit.wire import CamelWire, IsoTime, text_up_to
from ringback.storage.tx import Row

if TYPE_CHECKING:
    Name = str
else:
    Name = text_up_to(200, at_least=1)


class NameSubAccount(CamelWire):
    """What a sub-account is created or renamed with."""

    name: Name


class SubAccount(CamelWire):
    id: str
    name: str
    created_at: IsoTime

    @classmethod
    def of(cls, row: Row) -> "SubAccount":
        return cls(id=row["id"], name=row["name"], created_at=to_iso(row["created_at"]))


class SubAccountList(CamelWire):
    data: list[SubAccount]
    has_more: bool
    total: int
