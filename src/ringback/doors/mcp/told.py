"""What is told beside the answers: of the server before a tool is called, and of a call that goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

EVERY_S = 5.0
"""How often a client that asked for it is told that its call goes on: many give up after a minute of silence."""

INSTRUCTIONS = (
    "Ringback is a phone system: agents hold phone numbers, text and call people. Begin with account_overview. Buying and"
    " releasing numbers ask for the user's yes. To hold a conversation, send with send_message and read answers with"
    " get_messages and `after`, or list_events with wait. On the simulated network, phones (list_phones) play people."
)


@contextlib.asynccontextmanager
async def going_on(session: Any, name: str) -> AsyncIterator[None]:
    """While inside, the client of this call is told now and then that the tool `name` is at work, if it asked for that."""
    teller = asyncio.create_task(_tell(session, name))
    try:
        yield
    finally:
        teller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await teller


async def _tell(session: Any, name: str) -> None:
    passed = 0.0
    while True:
        await asyncio.sleep(EVERY_S)
        passed += EVERY_S
        await session.report_progress(passed, None, f"{name} is still at work")
