"""A bot that answers every text with what it says, over the vendor's own client.

It reads RINGBACK_URL (http://127.0.0.1:8642 unless given) and RINGBACK_API_KEY. The agent "Echo bot" and a number for
it are made where there are none, so it can simply be started:

    RINGBACK_API_KEY=$(cat ringback-data/first-key) .venv/bin/python examples/echo_bot.py
"""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Any, Self

from agentphone import AgentPhone, AgentPhoneError, WebhookVerificationError, construct_event


class EchoBot:
    """An agent, its number, and the web server that its texts are told to."""

    name = "Echo bot"

    def __init__(self, client: AgentPhone, port: int = 0) -> None:
        self.client = client
        self.answered: set[str] = set()
        self.web = HTTPServer(("127.0.0.1", port), Webhook)
        self.web.bot = self  # type: ignore[attr-defined]
        self.agent = self.find_agent()
        self.number: str = self.find_number()
        # Setting the webhook again gives a new secret and leaves the old one worthless.
        hook = client.agents.set_webhook(self.agent.id, url=f"http://127.0.0.1:{self.web.server_port}/")
        self.secret: str = hook.secret

    def find_agent(self) -> Any:
        for agent in self.client.agents.list(limit=100).data:
            if agent.name == self.name:
                return agent
        return self.client.agents.create(name=self.name)

    def find_number(self) -> str:
        for number in self.client.numbers.list(limit=100).data:
            if number.agent_id == self.agent.id:
                return str(number.phone_number)
        return str(self.client.numbers.buy(agent_id=self.agent.id).phone_number)

    def hear(self, body: bytes, headers: dict[str, str]) -> int:
        """Take one webhook; the status that it is answered with. Anything but a 2xx makes it come again later."""
        try:
            event = construct_event(
                body,
                headers.get("x-webhook-signature", ""),
                self.secret,
                headers.get("x-webhook-timestamp", ""),
            )
        except WebhookVerificationError as error:
            print(f"refused: {error}", file=sys.stderr)
            return 403
        delivery = headers["x-webhook-id"]
        if event.event != "agent.message" or event.test or delivery in self.answered:
            return 200  # not a text, or one that was answered before: a webhook may come twice
        print(f"{event.data.from_number}: {event.data.message}", flush=True)
        try:
            self.client.messages.send(
                number_id=event.data.number_id,
                to_number=event.data.from_number,
                **self.answer(event.data),
            )
        except AgentPhoneError as error:
            print(f"not sent: {error}", file=sys.stderr)
            return 200 if error.status == 403 else 500  # they texted STOP, say: trying again won't help
        self.answered.add(delivery)
        return 200

    def answer(self, text: Any) -> dict[str, Any]:
        """What is sent back, as `messages.send` takes it."""
        return {"body": f"You said: {text.message}"}

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.web.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.web.shutdown()
        self.thread.join()
        self.web.server_close()


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.server.bot.hear(body, headers))  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet: the bot prints what it hears."""


def main(kind: type[EchoBot] = EchoBot) -> None:
    url = os.environ.get("RINGBACK_URL", "http://127.0.0.1:8642")
    key = os.environ.get("RINGBACK_API_KEY") or sys.exit(
        "set RINGBACK_API_KEY=$(cat ringback-data/first-key)"
    )
    with AgentPhone(api_key=key, base_url=url) as client:
        try:
            bot = kind(client)
        except (AgentPhoneError, OSError) as error:
            sys.exit(f"{url}: {error}")
        print(f"{bot.name} answers at {bot.number}; Ctrl-C stops it", flush=True)
        try:
            bot.web.serve_forever()
        except KeyboardInterrupt:
            bot.web.server_close()


if __name__ == "__main__":
    main()
