"""Pictures and other media for tests, and a web server on this machine that has them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(255, -1, -1)) * 8
GIF = b"GIF89a" + bytes(100)
CARD = b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ada\r\nEND:VCARD\r\n"
PAGE = b"<!doctype html><title>Sign in</title><script>alert(1)</script>"


def png(size: int) -> bytes:
    """A picture of so many bytes, each size another one."""
    return (PNG[:8] + size.to_bytes(8, "big") + bytes(size))[:size]


@dataclass
class Web:
    """Has what `put` gave it; `asked` are the paths of all requests."""

    port: int
    asked: list[str] = field(default_factory=list)
    pages: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def put(
        self,
        path: str,
        body: bytes = b"",
        content_type: str | None = "image/png",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Have this at `path`; the URL."""
        typed = {} if content_type is None else {"Content-Type": content_type}
        self.pages[path] = (status, {**typed, **(headers or {})}, body)
        return self.url(path)


@contextmanager
def serving() -> Iterator[Web]:
    """A web server in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append(self.path)
            status, headers, body = web.pages.get(self.path.partition("?")[0], (404, {}, b""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
