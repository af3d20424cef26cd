"""Logs: one line an event, the request's id on it, and never a secret."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ringback import logs
from ringback.kit.trace import request_id

pytestmark = pytest.mark.unit

KEY = "sk_live_4f9c2d7e8a1b"
SECRET = "whsec_Zm9vYmFyYmF6cXV4"
MEDIA = "med_mx8vmzc6nqrz9wwmwmdf8ch7bc"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    yield io.StringIO()
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = kept
    root.setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_json_line_off_a_terminal(out: io.StringIO) -> None:
    logs.set_up("info", stream=out)
    structlog.get_logger().info("text sent", message_id="msg_1", segments=2)
    (line,) = lines(out)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["level"], line["event"], line["message_id"], line["segments"]) == (
        "info",
        "text sent",
        "msg_1",
        2,
    )


@pytest.mark.parametrize("human", [True, False])
def test_a_line_that_can_not_be_written_stops_nothing(out: io.StringIO, human: bool) -> None:
    full = open("/dev/full", "w", buffering=1)  # noqa: SIM115
    try:
        logs.set_up("info", stream=full, human=human)
        structlog.get_logger().info("x" * 10_000)
        logging.getLogger("library").warning("y" * 10_000)
        with pytest.raises(OSError, match="No space left"):
            print("z", file=full)
    finally:
        with contextlib.suppress(OSError):
            full.close()


def test_line_for_people(out: io.StringIO) -> None:
    logs.set_up("info", stream=out, human=True)
    structlog.get_logger().info("text sent", message_id="msg_1")
    assert out.getvalue().count("\n") == 1
    assert "text sent" in out.getvalue()
    assert "message_id=msg_1" in out.getvalue()


def test_nothing_from_outside_starts_a_line_or_speaks_to_the_terminal(out: io.StringIO) -> None:
    logs.set_up("info", stream=out, human=True)
    structlog.get_logger().info("got\nforged line", body="a\r\nb\x1b[2J")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


def test_level_is_kept(out: io.StringIO) -> None:
    logs.set_up("warning", stream=out)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(out)] == ["loud"]


def test_request_id_is_on_every_line(out: io.StringIO) -> None:
    logs.set_up("info", stream=out)
    token = request_id.set("req_1")
    try:
        structlog.get_logger().info("ours")
        logging.getLogger("aiohttp.client").warning("theirs")
    finally:
        request_id.reset(token)
    structlog.get_logger().info("after")
    assert [line.get("request_id") for line in lines(out)] == ["req_1", "req_1", None]


def test_standard_logging_comes_out_the_same_way(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.set_up("info", stream=out)
    theirs = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(theirs, "level", logging.INFO)
    theirs.info("Started server process")
    theirs.error("refused %s", KEY, extra={"color_message": "x"})
    (line,) = lines(out)
    assert (line["event"], line["level"], line["logger"]) == ("refused sk_live_***", "error", "uvicorn.error")
    assert "color_message" not in line


def test_libraries_are_heard_in_debug(out: io.StringIO) -> None:
    logs.set_up("debug", stream=out)
    logging.getLogger("uvicorn.error").info("Started server process")
    assert [line["event"] for line in lines(out)] == ["Started server process"]


@pytest.mark.parametrize("human", [True, False])
def test_no_secret_in_any_line(out: io.StringIO, human: bool) -> None:
    logs.set_up("debug", stream=out, human=human)
    log = structlog.get_logger()

    class Request:
        def __repr__(self) -> str:
            return f"<Request Authorization: Bearer {KEY}>"

    log.debug(f"called with {KEY}", url=f"postgresql://ring:{SECRET}@db/ring")
    log.debug("headers", headers={"Authorization": "Basic opensesame", "x": [("x-api-key", "opensesame")]})
    log.debug("raw headers", scope={"headers": [(b"authorization", b"Token opensesame")]}, request=Request())
    log.debug("by name", api_key="opensesame", secret="opensesame", password="opensesame", token="opensesame")
    log.debug("answered", path=f"/sim/v1/media/{MEDIA}")
    log.debug("bytes", body=f'{{"secret": "{SECRET}"}}'.encode())
    logging.getLogger("aiohttp").debug("sent {'Authorization': 'opensesame'} and %s", SECRET)
    try:
        raise ValueError(f"bad key {KEY}, signed by {SECRET}")
    except ValueError:
        log.exception("failed")
        logging.getLogger("asyncio").exception("failed")
    text = out.getvalue()
    for secret in (KEY, KEY[8:], SECRET, SECRET[6:], MEDIA, MEDIA[4:], "opensesame"):
        assert secret not in text
    assert "ValueError" in text


@pytest.mark.parametrize(
    "text",
    ["key_id=key_01jd", "the token bucket is empty", "basic rules hold", "http://127.0.0.1:8642/v1?x=a@b"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert logs.mask(text) == text


def test_ids_of_keys_stay(out: io.StringIO) -> None:
    logs.set_up("info", stream=out)
    structlog.get_logger().info("key made", key_id="key_1", tokens=3, token=None)
    (line,) = lines(out)
    assert (line["key_id"], line["tokens"], line["token"]) == ("key_1", 3, None)
