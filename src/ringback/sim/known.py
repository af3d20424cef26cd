"""What the network remembers of its tables from unit to unit: every text asks the same few things."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringback.sim.handsets import Handset

_MOST = 20_000


@dataclass(slots=True)
class Known:
    """Rows as they stand in the open transaction. Nobody else writes to the network's file."""

    faults: list[dict[str, Any]] | None = None
    """Those that can still strike, oldest first."""
    states: dict[str, str | None] = field(default_factory=dict)
    """Of lines, by number."""
    phones: dict[str, "Handset | None"] = field(default_factory=dict)
    """By number."""
    newest: dict[str, int] = field(default_factory=dict)
    """When the newest text of a handset (by id) was, in the clock's milliseconds; 0 where there is none."""

    def forget(self) -> None:
        """Units were rolled back."""
        self.faults = None
        for rows in (self.states, self.phones, self.newest):
            rows.clear()

    def bound(self) -> None:
        """Keep no more than is worth its memory."""
        for rows in (self.states, self.phones, self.newest):
            if len(rows) > _MOST:
                rows.clear()
