"""The simulated telephone network: numbers to buy, phones at the far end, and every fault of a real carrier by name.

It is the far side. Its state lies in a SQLite file of its own, it knows no room of the server, and all it tells the
server goes through a queue of carrier events that stay until they are acknowledged.
"""

from ringback.sim.network import Network

__all__ = ["Network"]
