"""Texts as a handset sees them: what arrived, what it sent, and how to page through them."""

import json
from dataclasses import dataclass
from typing import Any

from ringback.kit.links import absolute
from ringback.kit.times import to_iso
from ringback.sim import handsets
from ringback.sim.errors import BadInput
from ringback.sim.media import Attachment
from ringback.sim.unit import Unit, to_json


@dataclass(frozen=True, slots=True)
class Parcel:
    """A text on its way. `ref` is the carrier's id of it; `until_ms` when the network gives up.

    `reference` is what the server called it; a handset's own text has none.
    """

    ref: str
    sender: str
    recipient: str
    body: str
    media: tuple[Attachment, ...] = ()
    channel: str = "sms"
    until_ms: int = 0
    reference: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "sender": self.sender,
            "recipient": self.recipient,
            "body": self.body,
            "media_urls": [one.to_json() for one in self.media],
            "channel": self.channel,
            "until_ms": self.until_ms,
            "reference": self.reference,
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> "Parcel":
        rest = {name: value for name, value in data.items() if name != "media_urls"}
        return Parcel(**rest, media=tuple(map(Attachment.from_json, data["media_urls"])))


@dataclass(frozen=True, slots=True)
class Text:
    """One text in a handset's list; `seq` is the order of the list."""

    seq: int
    id: str
    handset_id: str
    direction: str
    sender: str
    recipient: str
    body: str
    media: tuple[Attachment, ...]
    channel: str
    at_ms: int
    status: str
    code: str | None

    def to_wire(self, base: str) -> dict[str, Any]:
        """The message as `/sim/v1` shows it; its media are reached at `base`."""
        urls = absolute(base, [one.url for one in self.media])
        return {
            "id": self.id,
            "direction": self.direction,
            "from": self.sender,
            "to": self.recipient,
            "body": self.body,
            "mediaUrls": urls,
            "media": [
                {"url": url, "contentType": one.content_type, "bytes": one.size}
                for url, one in zip(urls, self.media, strict=True)
                if one.content_type is not None
            ],
            "channel": self.channel,
            "at": to_iso(self.at_ms),
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list: a message's id (exact), or a time (exclusive)."""

    id: str | None = None
    at_ms: int | None = None


def add(unit: Unit, handset_id: str, direction: str, parcel: Parcel, status: str) -> Text:
    """Put a text into the handset's list and its event log.

    Times within one handset rise strictly (a tie is moved on by a millisecond), so that a walk by time is exact.
    """
    newest = unit.known.newest
    if handset_id not in newest:
        last = unit.one("SELECT max(at_ms) AS at_ms FROM texts WHERE handset_id = ?", handset_id)
        newest[handset_id] = (last and last["at_ms"]) or 0
    at_ms = newest[handset_id] = max(unit.now, newest[handset_id] + 1)
    text_id = unit.ids.new("hsm")
    seq = unit.insert(
        "INSERT INTO texts (id, handset_id, direction, sender, recipient, body, media, channel, at_ms, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        text_id,
        handset_id,
        direction,
        parcel.sender,
        parcel.recipient,
        parcel.body,
        to_json([one.to_json() for one in parcel.media]) if parcel.media else "[]",
        parcel.channel,
        at_ms,
        status,
    )
    text = Text(
        seq,
        text_id,
        handset_id,
        direction,
        parcel.sender,
        parcel.recipient,
        parcel.body,
        parcel.media,
        parcel.channel,
        at_ms,
        status,
        None,
    )
    unit.log(handset_id, "message", text_id)
    return text


def set_status(unit: Unit, text_id: str, status: str, code: str | None = None) -> None:
    """What the network tells the handset about its own text; `sent` moves once and for all."""
    row = unit.one(
        "UPDATE texts SET status = ?, code = ? WHERE id = ? AND status = 'sent' RETURNING handset_id",
        status,
        code,
        text_id,
    )
    if row is not None:
        told = {"messageId": text_id, "status": status, "at": to_iso(unit.now)}
        unit.log(row["handset_id"], "receipt", text_id, told | ({"code": code} if code else {}))


def find(unit: Unit, text_id: str) -> Text | None:
    row = unit.one("SELECT * FROM texts WHERE id = ?", text_id)
    return from_row(row) if row else None


def page(
    unit: Unit, handset_id: str, *, limit: int, before: Cursor | None = None, after: Cursor | None = None
) -> tuple[list[Text], bool]:
    """A page, newest first, and whether there is more in the direction of the walk.

    With `after` alone the page holds the oldest texts behind the cursor and "more" means newer ones.
    """
    handsets.find(unit, handset_id)
    where, values = ["handset_id = ?"], [handset_id]
    for cursor, sign in ((before, "<"), (after, ">")):
        if cursor is not None:
            where.append(f"at_ms {sign} ?")
            values.append(_instant(unit, handset_id, cursor, sign))
    forward = after is not None and before is None
    rows = unit.all(
        f"SELECT * FROM texts WHERE {' AND '.join(where)} ORDER BY at_ms {'ASC' if forward else 'DESC'} LIMIT ?",
        *values,
        limit + 1,
    )
    found = [from_row(row) for row in rows[:limit]]
    return (found[::-1] if forward else found), len(rows) > limit


def _instant(unit: Unit, handset_id: str, cursor: Cursor, sign: str) -> Any:
    if cursor.id is None:
        return cursor.at_ms
    row = unit.one("SELECT at_ms FROM texts WHERE id = ? AND handset_id = ?", cursor.id, handset_id)
    if row is None:
        raise BadInput("before" if sign == "<" else "after", "is no message of this handset")
    return row["at_ms"]


def store(unit: Unit, handset_id: str, parcel: Parcel) -> int:
    """Keep a text at the carrier for a phone that is off."""
    return unit.insert(
        "INSERT INTO stored (handset_id, parcel) VALUES (?, ?)", handset_id, to_json(parcel.to_dict())
    )


def take_stored(unit: Unit, handset_id: str) -> list[Parcel]:
    """The texts kept for a phone, oldest first; they are kept no longer."""
    rows = unit.all("SELECT parcel FROM stored WHERE handset_id = ? ORDER BY seq", handset_id)
    unit.run("DELETE FROM stored WHERE handset_id = ?", handset_id)
    return [Parcel.from_dict(json.loads(row["parcel"])) for row in rows]


def drop_stored(unit: Unit, seq: int) -> Parcel | None:
    """A text whose validity has passed; None when the phone had it in time."""
    row = unit.one("DELETE FROM stored WHERE seq = ? RETURNING parcel", seq)
    return Parcel.from_dict(json.loads(row["parcel"])) if row else None


def from_row(row: dict[str, Any]) -> Text:
    """A row of `texts` as a text."""
    return Text(**{**row, "media": tuple(map(Attachment.from_json, json.loads(row["media"])))})
