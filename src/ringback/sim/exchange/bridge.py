"""A transfer under way: a party rings, and takes a leg's place in its call when it answers."""

from ringback.sim.exchange.call import Call, Failure, Party
from ringback.sim.exchange.leg import Leg


class Bridge(Party):
    """The caller of the new party, on behalf of `leg` in `target`. Nobody speaks through it."""

    def __init__(self, target: Call, leg: Leg) -> None:
        self._target = target
        self._leg = leg
        self._done = False
        target.watchers.append(self._target_ended)

    def answered(self) -> None:
        consultation = self.call
        if self._done or consultation is None:
            return
        self._done = True
        new = consultation.other(self)
        consultation.close()
        if self._target.state != "answered" or self._leg.call is not self._target:
            new.hung_up("far")
            return
        self._target.swap(self._leg, new)
        self._leg.transferred(None)

    def failed(self, failure: Failure) -> None:
        if not self._done:
            self._done = True
            self._leg.transferred(failure.reason)

    def _target_ended(self) -> None:
        """Whoever was to be transferred has hung up."""
        if not self._done and self.call is not None:
            self._done = True
            self.call.hang_up(self)
