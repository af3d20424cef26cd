"""A bot that looks at the pictures it is texted: it says what came, and sends it back.

It is `echo_bot.py` with another answer, and is started like that one. Then, from a phone of the simulated network:

    .venv/bin/ringback handset text NUMBER --media cat.jpg
    .venv/bin/ringback handset inbox
"""

from typing import Any
from urllib.request import urlopen

from echo_bot import EchoBot, main


class PictureBot(EchoBot):
    """Answers media with what they are, and with themselves."""

    name = "Picture bot"

    def answer(self, text: Any) -> dict[str, Any]:
        if not text.media_urls:
            return {"body": "Text me a picture"}
        return {"body": " and ".join(map(described, text.media_urls)), "media_urls": text.media_urls}


def described(url: str) -> str:
    """What is at a link of the network's, which takes no key."""
    with urlopen(url, timeout=10) as media:
        return f"{media.headers['Content-Type']} of {len(media.read())} bytes"


if __name__ == "__main__":
    main(PictureBot)
