"""The carrier `simulated`: the client's side of the network in `ringback.sim`, in this process or in one of its own."""

from ringback.carriers.simulated.local import SimulatedCarrier
from ringback.carriers.simulated.remote import RemoteSimulatedCarrier

__all__ = ["RemoteSimulatedCarrier", "SimulatedCarrier"]
