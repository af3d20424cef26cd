"""Contacts on the wire (contract: ContactResponse and its kin)."""

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from ringback.kit.times import to_iso
from ringback.kit.wire import CamelWire, IsoTime, Text, text_up_to
from ringback.storage.tx import Row

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
MAX_EMAIL = 254
"""RFC 5321 section 4.5.3.1.3 leaves an address so many characters."""


def _email(text: str) -> str:
    """Shape only: whether mail arrives there is for nobody but its server to say. Empty stands for none."""
    if text and (len(text) > MAX_EMAIL or _EMAIL.fullmatch(text) is None):
        raise ValueError("must be an address such as ann@example.com")
    return text


if TYPE_CHECKING:
    Name = str
    Email = str
    Notes = str
else:
    Name = text_up_to(200, at_least=1)
    Email = Annotated[Text, AfterValidator(_email)]
    Notes = text_up_to(4_000)


class CreateContact(CamelWire):
    phone_number: Text
    name: Name
    email: Email | None = None
    notes: Notes | None = None


class UpdateContact(CamelWire):
    """Only what is given changes. Null or an empty text clears `email` and `notes`; for the others null is not given."""

    phone_number: Text | None = None
    name: Name | None = None
    email: Email | None = None
    notes: Notes | None = None


class ContactResponse(CamelWire):
    id: str
    phone_number: str
    name: str
    email: str | None = None
    notes: str | None = None
    created_at: IsoTime
    updated_at: IsoTime

    @classmethod
    def of(cls, row: Row) -> "ContactResponse":
        return cls.model_construct(
            id=row["id"],
            phone_number=row["e164"],
            name=row["name"],
            email=row["email"],
            notes=row["notes"],
            created_at=to_iso(row["created_at"]),
            updated_at=to_iso(row["updated_at"]),
        )


class ContactListResponse(CamelWire):
    data: list[ContactResponse]
    has_more: bool
    total: int
