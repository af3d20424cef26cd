"""What uvicorn is given to write to."""

import asyncio
from collections.abc import Callable


class Transport(asyncio.Transport):
    """What uvicorn writes to. Closing it is the connection's matter."""

    def __init__(
        self, raw: asyncio.Transport, close: Callable[[], None], is_closing: Callable[[], bool]
    ) -> None:
        super().__init__()
        self.write = raw.write  # type: ignore[method-assign]
        self.close = close  # type: ignore[method-assign]
        self.is_closing = is_closing  # type: ignore[method-assign]

    def end_streams(self, is_streaming: Callable[[], bool | None]) -> None:
        """The client sends no more: a stream that begins only now has nobody who would end it."""
        pass_on = self.write

        def write(data: bytes | bytearray | memoryview) -> None:
            pass_on(data)
            if is_streaming():
                self.close()

        self.write = write  # type: ignore[method-assign]
