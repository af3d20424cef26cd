"""Pictures both ways, as a user meets them: the very bytes come out, and what can't be sent is told."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest

from ringback.testing import Clock, Handsets, Network, RequestRefused, Ringback, WebhookInbox
from tests.media import CARD, GIF, JPEG, PAGE, PNG, Web, png, serving
from tests.phones import until

pytestmark = pytest.mark.scenario
MB = 1024**2


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


class Desk:
    """A number with a webhook, used over the vendor's client."""

    def __init__(self, ringback: Ringback, inbox: WebhookInbox) -> None:
        self.client = ringback.client()
        self.agent = self.client.agents.create(name="Desk")
        number = self.client.numbers.buy(agent_id=self.agent.id)
        self.id, self.number = number.id, number.phone_number
        self.inbox = inbox
        inbox.secret = self.client.webhooks.set(url=inbox.url).secret

    def send(self, to: str, *urls: str, body: str | None = None) -> str:
        sent = self.client.messages.send(number_id=self.id, to_number=to, body=body, media_urls=list(urls))
        return str(sent["id"])

    def hear(self) -> dict[str, Any]:
        data: dict[str, Any] = self.inbox.wait_for("agent.message").body["data"]
        return data

    def message(self, message_id: str) -> Any:
        return next(one for one in self.client.numbers.get_messages(self.id).data if one.id == message_id)

    def end_of(self, message_id: str) -> tuple[str, str | None]:
        """Status and reason of a message once they are settled."""
        ended = ("delivered", "failed")
        found = until(lambda: one if (one := self.message(message_id)).status in ended else None)
        return found.status, found.failure_reason


@pytest.fixture
def desk(ringback: Ringback, webhook_inbox: WebhookInbox) -> Desk:
    return Desk(ringback, webhook_inbox)


def fetch(url: str) -> tuple[bytes, Any]:
    """As an agent's model does: nothing but the link."""
    with urllib.request.urlopen(url) as answer:
        return answer.read(), answer.headers


def test_a_picture_reaches_the_phone(desk: Desk, handset: Handsets, web: Web) -> None:
    phone, picture = handset(), web.put("/cat.png", png(MB))
    sent = desk.send(phone.number, picture, body="Look")
    text = phone.wait_for("Look")
    assert (text.channel, [(one.content_type, one.size) for one in text.media]) == (
        "mms",
        [("image/png", MB)],
    )
    assert text.media[0].read() == png(MB)
    assert text.media_urls == (text.media[0].url,)
    assert web.asked == ["/cat.png"]
    assert until(lambda: desk.message(sent).status == "delivered")
    assert desk.message(sent).media_urls == [picture]


def test_a_picture_reaches_the_agent(desk: Desk, handset: Handsets, ringback: Ringback) -> None:
    phone = handset()
    sent = phone.text(desk.number, media=[JPEG])
    told = desk.hear()
    assert (told["message"], told["mediaUrl"], told["mediaUrls"]) == (
        "",
        sent.media_urls[0],
        [*sent.media_urls],
    )
    body, headers = fetch(told["mediaUrl"])
    assert (body, headers["Content-Type"], headers["Content-Length"]) == (JPEG, "image/jpeg", str(len(JPEG)))
    message = desk.message(told["messageId"])
    assert (message.channel, message.body, message.media_urls) == ("mms", "", told["mediaUrls"])
    [conversation] = desk.client.conversations.list().data
    assert (conversation.last_message_preview, conversation.channel) == ("", "mms")
    detail = desk.client.conversations.get(conversation.id)
    assert [(one.body, one.media_urls) for one in detail.messages] == [("", told["mediaUrls"])]
    phone.text(desk.number, "And?")
    history = desk.inbox.wait_for("agent.message").body["recentHistory"]
    assert [(one["content"], one["channel"]) for one in history] == [("", "mms")]


def test_files_bytes_and_urls_from_a_phone(desk: Desk, handset: Handsets, web: Web, tmp_path: Path) -> None:
    (tmp_path / "ada.vcf").write_bytes(CARD)
    media: list[bytes | str | Path] = [
        tmp_path / "ada.vcf",
        str(tmp_path / "ada.vcf"),
        GIF,
        web.put("/1.png", PNG),
    ]
    sent = handset().text(desk.number, "All of it", media=media)
    kinds = ["text/vcard", "text/vcard", "image/gif", "image/png"]
    assert [one.content_type for one in sent.media] == kinds
    assert [fetch(url)[0] for url in desk.hear()["mediaUrls"]] == [CARD, CARD, GIF, PNG]


def test_a_picture_is_passed_on(desk: Desk, handset: Handsets, web: Web) -> None:
    """The network knows its own links, under whatever name the server was reached: it asks nobody for them."""
    one, other = handset(), handset()
    one.text(desk.number, media=[PNG])
    url = urlsplit(desk.hear()["mediaUrl"])
    desk.send(other.number, f"http://127.0.0.1:9{url.path}", f"https://old-name.example{url.path}")
    assert [one.read() for one in other.wait_for().media] == [PNG, PNG]


def test_from_agent_to_agent(desk: Desk, web: Web) -> None:
    other = desk.client.numbers.buy(agent_id=desk.agent.id)
    sent = desk.send(other.phone_number, web.put("/cat.png", PNG))
    told = desk.hear()
    assert (told["numberId"], fetch(told["mediaUrl"])[0]) == (other.id, PNG)
    assert until(lambda: desk.message(sent).status == "delivered")


def test_personalities_keep_media(desk: Desk, handset: Handsets, web: Web) -> None:
    picture = web.put("/cat.png", PNG)
    desk.send(handset(personality="echo").number, picture, body="Marco")
    told = desk.hear()
    assert (told["message"], fetch(told["mediaUrl"])[0]) == ("Marco", PNG)
    handset(personality="duplicate-sender").text(desk.number, "twice", media=[PNG])
    assert len(desk.hear()["mediaUrls"]) == 1
    handset(personality="out-of-order").text(desk.number, "long " * 100, media=[PNG])
    told = desk.hear()
    assert (told["message"], fetch(told["mediaUrl"])[0]) == ("long " * 100, PNG)


def test_a_phone_that_is_off_gets_its_pictures_later(desk: Desk, handset: Handsets, web: Web) -> None:
    phone = handset()
    phone.set(online=False)
    web.put("/cat.png", PNG)
    sent = desk.send(phone.number, web.url("/cat.png"))
    assert until(lambda: desk.message(sent).status == "sent")
    web.pages.clear()
    phone.set(online=True)
    assert phone.wait_for().media[0].read() == PNG


def test_it_waits_out_an_outage_and_fetches_then(
    desk: Desk, handset: Handsets, network: Network, web: Web, clock: Clock
) -> None:
    phone, picture = handset(), web.put("/cat.png", PNG)
    outage = network.fault("outage")
    throttled = network.fault("throttled", count=2, to=phone.number)
    sent = desk.send(phone.number, picture)
    clock.advance(minutes=1)
    assert (web.asked, desk.message(sent).status) == ([], "queued")
    outage.clear()
    throttled.clear()
    clock.advance(minutes=1)
    assert (phone.wait_for().media[0].read(), web.asked) == (PNG, ["/cat.png"])


def test_a_phone_without_pictures(desk: Desk, handset: Handsets, web: Web) -> None:
    phone = handset(capabilities=["sms", "voice"])
    sent = desk.send(phone.number, web.put("/cat.png", PNG))
    assert until(lambda: desk.message(sent).status == "failed")
    assert desk.message(sent).failure_reason == "the phone can't receive pictures"
    with pytest.raises(RequestRefused, match="can't send mms"):
        phone.text(desk.number, media=[PNG])


def test_what_an_mms_costs(ringback: Ringback, desk: Desk, handset: Handsets, web: Web) -> None:
    """One message, however long its words: only SMS is cut into parts."""
    asked = {"number_id": desk.id, "to_number": handset().number, "body": "é" * 1_600}
    picture = web.put("/cat.png", PNG)
    mms = ringback.request("POST", "/v1/messages", json={**asked, "media_urls": [picture]}).json
    assert (mms["channel"], mms["ringback"]) == (
        "mms",
        {"segments": 1, "encoding": "utf8", "estimatedSendAt": None},
    )
    sms = ringback.request("POST", "/v1/messages", json=asked).json
    assert (sms["channel"], sms["ringback"]["segments"]) == ("sms", 11)


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ((404, {"Content-Type": "text/html"}, PAGE), "{url} could not be fetched: it answered 404"),
        ((200, {"Content-Type": "text/html"}, PAGE), "{url} is text/html, which MMS doesn't carry"),
        (
            (200, {"Content-Type": "image/jpeg"}, PAGE),
            "{url} says it is image/jpeg, and its bytes are something else",
        ),
        (
            (200, {"Content-Type": "image/svg+xml"}, b"<svg/>"),
            "{url} is image/svg+xml, which MMS doesn't carry",
        ),
        ((200, {}, PNG), "{url} doesn't say what it is: a Content-Type is needed"),
        ((200, {"Content-Type": "image/png"}, b""), "{url} is empty"),
        ((200, {"Content-Type": "image/png"}, png(5 * MB + 1)), "with {url} the media are larger than 5 MB"),
        ((302, {"Location": "/cat.png"}, b""), "{url} could not be fetched: it redirected more than 3 times"),
        (
            (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
            "{url} could not be fetched: 169.254.169.254 leads to a link-local address, which this server does not call",
        ),
    ],
    ids=["missing", "page", "page as picture", "svg", "untyped", "empty", "large", "loop", "metadata"],
)
def test_media_that_cannot_be_sent(desk: Desk, handset: Handsets, web: Web, page: Any, why: str) -> None:
    """The message fails for good and says which URL is to blame; the phone is told which of its URLs."""
    web.pages["/cat.png"] = page
    phone, url = handset(), web.url("/cat.png")
    secret = f"{url}?X-Amz-Signature=hush"
    assert desk.end_of(desk.send(phone.number, web.put("/ok.png", PNG), secret)) == (
        "failed",
        why.format(url=url),
    )
    assert phone.inbox() == []
    with pytest.raises(RequestRefused) as refused:
        phone.text(desk.number, "Look", media_urls=[web.url("/ok.png"), secret])
    assert (refused.value.status, refused.value.message.partition(" (")[0]) == (
        422,
        f"mediaUrls.1: {why.format(url=url)}",
    )
    assert "hush" not in refused.value.message


def test_ten_media_and_five_megabytes_in_all(desk: Desk, handset: Handsets, web: Web) -> None:
    phone = handset()
    half = web.put("/half.png", png(5 * MB // 2))
    assert desk.end_of(desk.send(phone.number, half, half))[0] == "delivered"
    assert desk.end_of(desk.send(phone.number, half, half, web.put("/1.png", PNG))) == (
        "failed",
        f"with {web.url('/1.png')} the media are larger than 5 MB",
    )
    small = web.url("/1.png")
    assert desk.end_of(desk.send(phone.number, *[small] * 10))[0] == "delivered"
    asked = len(web.asked)
    assert desk.end_of(desk.send(phone.number, *[small] * 11)) == (
        "failed",
        "a message carries at most 10 media; this has 11",
    )
    assert len(web.asked) == asked
    with pytest.raises(RequestRefused, match="at most 10"):
        phone.text(desk.number, media_urls=[small] * 11)


def test_what_can_be_uploaded(ringback: Ringback) -> None:
    def upload(body: bytes, kind: str | None, **headers: str) -> Any:
        typed = {} if kind is None else {"Content-Type": kind}
        return ringback.request("POST", "/sim/v1/media", content=body, headers={**typed, **headers})

    made = upload(PNG, "image/png").json
    assert made == {
        "id": made["id"],
        "url": f"{ringback.base_url}/sim/v1/media/{made['id']}",
        "contentType": "image/png",
        "bytes": len(PNG),
        "createdAt": made["createdAt"],
    }
    assert len(made["id"]) == len("med_") + 26
    assert upload(png(5 * MB), "image/png").status == 200
    assert upload(GIF, None).json["contentType"] == "image/gif"
    for body, kind, status, field in (
        (png(5 * MB + 1), "image/png", 413, None),
        (PAGE, "text/html", 422, "Content-Type"),
        (PAGE, "image/png", 422, "Content-Type"),
        (PAGE, None, 422, "Content-Type"),
        (b"", "image/png", 422, "body"),
        (b"{}", "application/json", 422, "Content-Type"),
    ):
        answer = upload(body, kind)
        assert answer.status == status, answer
        assert [one["field"] for one in answer.json["error"]["details"]] == ([field] if field else [])
    assert ringback.request("POST", "/sim/v1/media", content=PNG, api_key=None).status == 401
    again = {"Idempotency-Key": "once"}
    assert upload(JPEG, "image/jpeg", **again).json == upload(JPEG, "image/jpeg", **again).json
    assert upload(PNG, "image/jpeg", **again).status == 409
    assert ringback.request("POST", "/v1/agents", content=bytes(2 * MB)).status == 413


def test_how_media_are_served(ringback: Ringback, desk: Desk, handset: Handsets) -> None:
    """To be looked at by whoever has the link, and to run nothing on our origin."""
    page = b"<script>alert(1)</script>"
    ringback_upload = ringback.request(
        "POST", "/sim/v1/media", content=page, headers={"Content-Type": "text/plain; charset=utf-8"}
    )
    for url, kind, shown in (
        (handset().text(desk.number, media=[PNG]).media_urls[0], "image/png", "inline"),
        (ringback_upload.json["url"], "text/plain; charset=utf-8", "inline"),
        (handset().text(desk.number, media=[CARD]).media_urls[0], "text/vcard; charset=utf-8", "attachment"),
    ):
        path = urlsplit(url).path
        got = ringback.request("GET", path, api_key=None)
        assert (got.status, got.headers["content-type"]) == (200, kind)
        assert got.headers["content-disposition"] == shown
        assert got.headers["content-length"] == str(len(got.content))
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in got.headers["content-security-policy"]
        assert "immutable" in got.headers["cache-control"]
        head = ringback.request("HEAD", path, api_key=None)
        same = ("content-type", "content-length", "etag")
        assert (head.status, head.content) == (200, b"")
        assert [head.headers[name] for name in same] == [got.headers[name] for name in same]
        unchanged = ringback.request(
            "GET", path, headers={"If-None-Match": got.headers["etag"]}, api_key=None
        )
        assert (unchanged.status, unchanged.content) == (304, b"")
    for path in ("/sim/v1/media/med_0000000000000000000000000a", "/sim/v1/media/x", "/sim/v1/media/%2e%2e"):
        missing = ringback.request("GET", path, api_key=None)
        assert (missing.status, missing.json["error"]["code"]) == (404, "MEDIA_NOT_FOUND")
    with pytest.raises(HTTPError, match="404"):
        fetch(f"{ringback.base_url}/sim/v1/media/med_")
