"""Steps that many of these tests take.

The tests themselves are written once and run with both halves of the vendor's client: each takes a fixture `client`,
the synchronous one, or the asynchronous one made to wait. `test_python_sdk_sync.py` and `test_python_sdk_async.py`
subclass the classes of the other files.
"""

from typing import Any

from tests.phones import until

EXPIRES = "2031-01-01T00:00:00Z"
MEDIA = ["https://example.com/one.png", "https://example.com/two.png"]


def agent_with_number(client: Any, **settings: Any) -> tuple[Any, Any]:
    agent = client.agents.create(name="Desk", **settings)
    return agent, client.numbers.buy(agent_id=agent.id)


def received(client: Any, number: Any, handset: Any, *bodies: str) -> list[Any]:
    """Text the number from the handset; the messages as the API lists them, oldest first."""
    for body in bodies:
        handset.text(number.phone_number, body)

    def look() -> list[Any]:
        page = client.numbers.get_messages(number.id, limit=200)
        found = {m.body: m for m in page.data if m.from_number == handset.number}
        return [found[body] for body in bodies] if found.keys() >= set(bodies) else []

    return until(look)
