"""The rules of contacts: one for each number of an account."""

from collections.abc import Iterable

from ringback.contacts import store
from ringback.contacts.errors import ContactExists, ContactNotFound
from ringback.contacts.schemas import CreateContact, UpdateContact
from ringback.events.log import record
from ringback.kit import phone
from ringback.kit.faults import Invalid
from ringback.storage.schema import contacts
from ringback.storage.tx import Reads, Row, Tx


def get(db: Reads, account_id: str, contact_id: str) -> Row:
    """A contact of this account. Raises `ContactNotFound`."""
    row = db.get(contacts, account_id, contact_id)
    if row is None:
        raise ContactNotFound(f"there is no contact {contact_id[:64]}")
    return row


def create(tx: Tx, account_id: str, asked: CreateContact) -> Row:
    """Raises `Invalid` for a number that can't exist, `ContactExists` for one that a contact has."""
    e164 = _free_number(tx, account_id, asked.phone_number)
    row = tx.insert(
        contacts,
        account_id=account_id,
        id=tx.new_id("con"),
        **_fields(e164, asked.name, asked.email, asked.notes),
        created_at=tx.now,
        updated_at=tx.now,
    )
    record(tx, account_id, "contact.created", {"contact_count": 1}, contactId=row["id"])
    return row


def update(tx: Tx, account_id: str, contact_id: str, asked: UpdateContact) -> Row:
    """Raises as `get` and `create` do. Where nothing is new, nothing changes, and nothing is told."""
    row = get(tx, account_id, contact_id)
    given = asked.model_dump(exclude_unset=True)
    e164 = row["e164"]
    if asked.phone_number is not None:
        e164 = _free_number(tx, account_id, asked.phone_number, holder=contact_id)
    fields = _fields(
        e164,
        asked.name if asked.name is not None else row["name"],
        given.get("email", row["email"]),
        given.get("notes", row["notes"]),
    )
    if all(row[name] == value for name, value in fields.items()):
        return row
    row = tx.update(contacts, row, **fields, updated_at=tx.now)
    record(tx, account_id, "contact.updated", contactId=contact_id)
    return row


def delete(tx: Tx, account_id: str, contact_id: str) -> None:
    """Raises `ContactNotFound`."""
    get(tx, account_id, contact_id)
    tx.delete(contacts, account_id, contact_id)
    record(tx, account_id, "contact.deleted", {"contact_count": -1}, contactId=contact_id)


def of_numbers(db: Reads, account_id: str, numbers: Iterable[str]) -> dict[str, Row]:
    """The contacts whom the account knows by these numbers, by their number."""
    return {row["e164"]: row for row in store.by_numbers(db, account_id, numbers)}


def _fields(e164: str, name: str, email: str | None, notes: str | None) -> Row:
    return {
        "e164": e164,
        "name": name,
        "email": email or None,
        "notes": notes or None,
        "search_text": store.folded(name, e164, email, notes),
    }


def _free_number(tx: Tx, account_id: str, typed: str, *, holder: str | None = None) -> str:
    """The number in E.164, which no contact but `holder` has; the account's lock keeps it free until the commit."""
    try:
        e164 = phone.normalise(typed)
    except phone.InvalidNumber as error:
        raise Invalid(f"{error}; send a telephone number such as +14155550104", field="phoneNumber") from None
    other = store.by_number(tx, account_id, e164)
    if other is not None and other["id"] != holder:
        raise ContactExists(f"{e164} is the number of contact {other['id']}", field="phoneNumber")
    return e164
