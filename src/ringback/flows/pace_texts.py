"""Texts and the paces of carriers: what a text waits for when it is accepted, and what a claim asks of its number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringback.carriers.protocol import Carrier
from ringback.kit.pace import LATE_NS, T_MOBILE, Pace, Scope, Spent, day_of, expected_ms, opens_ms, up_to_ms
from ringback.numbers import service as numbers
from ringback.storage import outbox, paces
from ringback.storage.paces import Toll, Waiting
from ringback.storage.tx import Reads, Row, Tx


@dataclass(frozen=True, slots=True)
class Paces:
    """What a carrier says, from memory, of a number's pace and its scope, and of whose customer a recipient is."""

    carrier: str
    pace: Callable[[str, str], Pace | None]
    scope: Callable[[str, str], Scope | None]
    operator_of: Callable[[str], str | None]

    @classmethod
    def of(cls, carrier: Carrier) -> "Paces":
        return cls(carrier.name, carrier.pace, carrier.pace_scope, carrier.operator_of)

    def of_number(self, number: Row) -> tuple[str, Pace] | None:
        """The id of a number's pace, and the pace; None where nothing paces it."""
        pace = self.pace(number["e164"], number["country"])
        return None if pace is None else (paces.id_of(pace.scope, number["carrier"], number["id"]), pace)


UNPACED = Paces("", lambda e164, country: None, lambda e164, country: None, lambda e164: None)


def toll_of(told: Paces, number: Row, message: Row) -> tuple[Toll, Pace | None]:
    """What a text is going to cost, whatever its pace will be then, and the pace that it goes at now."""
    segments = message["segments"]
    scope = told.scope(number["e164"], number["country"])
    if scope is None:
        return Toll(None, segments), None
    theirs = segments if told.operator_of(message["to_e164"]) == T_MOBILE else 0
    toll = Toll(paces.id_of(scope, number["carrier"], number["id"]), segments, theirs)
    return toll, told.pace(number["e164"], number["country"])


def opens_at(db: Reads, account_id: str, toll: Toll, pace: Pace | None, now: int) -> int | None:
    """When (ms) the lane of a text is worth a look; None where nothing paces it."""
    if pace is None or toll.pace_id is None:
        return None
    spent = paces.spent_of(db, account_id, toll.pace_id)
    return opens_ms(pace, spent, now, toll.segments, since_ms=now)


def estimated_at(db: Reads, told: Paces, message: Row, now: int) -> int | None:
    """When (ms) a text that was just accepted is going to be handed over; None where nothing paces it.

    As if all that wait for this pace went in the order in which they were accepted, but for those that wait for T-Mobile's
    next day.
    """
    account_id = message["account_id"]
    number = numbers.get(db, account_id, message["number_id"])
    toll, pace = toll_of(told, number, message)
    if pace is None or toll.pace_id is None:
        return None
    spent = paces.spent_of(db, account_id, toll.pace_id)
    waiting = paces.waiting_for(db, account_id, toll.pace_id)
    return _last_goes_at(pace, spent, waiting, now, to_tmobile=bool(toll.tmobile))


def all_gone_at(db: Reads, account_id: str, pace_id: str, pace: Pace, now: int) -> int | None:
    """When (ms) the last text that waits for a pace is going to be handed over; None where none waits."""
    waiting = paces.waiting_for(db, account_id, pace_id)
    spent = paces.spent_of(db, account_id, pace_id)
    theirs = waiting.tmobile_texts
    kinds = [kind for kind, texts in ((True, theirs), (False, waiting.texts - theirs)) if texts > 0]
    return max((_last_goes_at(pace, spent, waiting, now, to_tmobile=kind) for kind in kinds), default=None)


def _last_goes_at(pace: Pace, spent: Spent, waiting: Waiting, now: int, *, to_tmobile: bool) -> int:
    """When the last of those that wait for T-Mobile's customers goes, or the last of the others."""
    in_line = expected_ms(pace, spent, now, ahead=max(0, waiting.texts - 1), segments=waiting.segments)
    if pace.segments_a_day is None or pace.tmobile_a_day is None:
        return in_line
    share = Pace(pace.scope, pace.messages_per_second, pace.tmobile_a_day)
    theirs = waiting.tmobile_texts
    if to_tmobile:
        gone = spent.of_tmobile()
        return max(in_line, expected_ms(share, gone, now, ahead=max(0, theirs - 1), segments=waiting.tmobile))
    # What waits for T-Mobile's next day lets the others by: before them goes what is left of this day's share.
    start, end = day_of(now)
    spent = spent.on(start)
    left = pace.segments_a_day - spent.segments
    left_of_share = max(0, min(pace.tmobile_a_day - spent.tmobile, left))
    for_others = pace.segments_a_day - pace.tmobile_a_day
    passing = expected_ms(
        Pace(pace.scope, pace.messages_per_second, for_others),
        Spent(spent.next_ns, start, for_others - (left - left_of_share)),
        now,
        ahead=max(0, waiting.texts - theirs - 1),
        segments=waiting.segments - waiting.tmobile,
    )
    if passing < end:
        passing = min(end, passing + up_to_ms(min(theirs, left_of_share) * pace.interval_ns))
    return min(in_line, passing)


class PaceGate:
    """What a claim of texts asks. `refuses` says why a text must not be handed over; such a one costs nothing.

    `must_wait` is asked of the texts of lanes that `watches` names.
    """

    def __init__(
        self,
        told: Paces,
        refuses: Callable[[Tx, Row], object],
        *,
        look_at: Callable[[Tx, Sequence[Row]], None] | None = None,
        watches: Callable[[Row], bool] = lambda lane: False,
        must_wait: Callable[[Tx, Row], bool] = lambda tx, row: False,
        late_ns: int = LATE_NS,
    ) -> None:
        self.late_ns = late_ns
        self._told = told
        self._refuses = refuses
        self._look_at = look_at
        self.watches = watches
        self.must_wait = must_wait

    def pace(self, tx: Tx, lane: Row) -> tuple[str, Pace] | None:
        number_id = outbox.number_of_lane(lane["id"])
        return self._told.of_number(numbers.get(tx, lane["account_id"], number_id))

    def look_at(self, tx: Tx, rows: Sequence[Row]) -> None:
        if self._look_at is not None:
            self._look_at(tx, rows)

    def is_free(self, tx: Tx, row: Row) -> bool:
        return self._refuses(tx, row) is not None
