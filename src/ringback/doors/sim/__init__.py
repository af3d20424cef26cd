"""The simulated network's API: `/sim/v1` for people and tests, `/carrier/v1` for the carrier's client in another process."""

from ringback.doors.sim.clock import ClockDoor
from ringback.doors.sim.router import build_router

__all__ = ["ClockDoor", "build_router"]
