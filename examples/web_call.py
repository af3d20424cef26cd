"""A page from which people talk with an agent: a server of a few lines that holds the API key, and the page.

    RINGBACK_API_KEY=$(cat ringback-data/first-key) .venv/bin/python examples/web_call.py

Then open the address that it prints, and press the button. `RINGBACK_URL` is where Ringback is, `PORT` where this listens.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from agentphone import AgentPhone

RINGBACK = os.environ.get("RINGBACK_URL", "http://127.0.0.1:8642").rstrip("/")
KEY = os.environ.get("RINGBACK_API_KEY", "")
NAME = "Desk of the page"
FILES = {"/": ("web_call.html", "text/html"), "/web_call.js": ("web_call.js", "text/javascript")}
SOCKETS = RINGBACK.replace("http", "ws", 1)
POLICY = f"default-src 'none'; script-src 'self' {RINGBACK}; connect-src 'self' {RINGBACK} {SOCKETS}"


class Page(BaseHTTPRequestHandler):
    """The page, and `POST /call`, which makes a call for it."""

    client: AgentPhone
    agent: str

    def do_GET(self) -> None:
        name, kind = FILES.get(self.path, ("", ""))
        if not name:
            self.send_error(404)
            return
        text = (Path(__file__).parent / name).read_text(encoding="utf-8")
        self.answer(text.replace("http://127.0.0.1:8642", RINGBACK), kind)

    def do_POST(self) -> None:
        # Of this page alone: each call costs.
        if self.path != "/call" or self.headers.get("Origin") != f"http://{self.headers.get('Host')}":
            self.send_error(403)
            return
        call = self.client.calls.create_web_call(self.agent)
        self.answer(json.dumps({"accessToken": call["accessToken"]}), "application/json")

    def answer(self, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def main() -> None:
    if not KEY:
        raise SystemExit("set RINGBACK_API_KEY, such as to what `ringback-data/first-key` holds")
    Page.client = client = AgentPhone(api_key=KEY, base_url=RINGBACK)
    known = [agent for agent in client.agents.list().data if agent.name == NAME]
    Page.agent = (known[0] if known else make_agent(client)).id
    with ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8643"))), Page) as server:
        print(f"Open http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()


def make_agent(client: AgentPhone) -> Any:
    """An agent that a model speaks for; without one, Ringback's demo brain."""
    return client.agents.create(
        name=NAME,
        voice_mode="hosted",
        system_prompt="You answer visitors of a web page. Be brief.",
        begin_message="Hello, what can I do for you?",
    )


if __name__ == "__main__":
    main()
