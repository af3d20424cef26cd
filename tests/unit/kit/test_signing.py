import json
import time

import pytest
from agentphone.webhook import WebhookVerificationError, construct_event

from ringback.kit.signing import sign, verify

pytestmark = pytest.mark.unit

BODY = '{"a":"é"}'.encode()
CHECK_VALUE = "sha256=98776ba59de474ed481c4d8857d74fd74bcaf502e2b5a6ec3d4493c82603940e"


def test_signature_is_over_bytes() -> None:
    assert sign("whsec_test", 1_700_000_000, BODY) == CHECK_VALUE


def test_vendors_own_client_accepts_a_signature() -> None:
    body = json.dumps(
        {
            "event": "agent.message",
            "channel": "sms",
            "timestamp": "2026-01-01T00:00:00.000Z",
            "agentId": "agt_1",
            "data": {
                "messageId": "msg_1",
                "message": "Café ₹ 😀 “q” \u2028 </script>",
                "from": "+14155550120",
            },
            "conversationState": None,
            "recentHistory": [],
        },
        ensure_ascii=False,
    ).encode()
    at = int(time.time())
    event = construct_event(body, sign("whsec_é", at, body), "whsec_é", str(at))
    assert event.event == "agent.message"
    assert event.data.message == "Café ₹ 😀 “q” \u2028 </script>"
    with pytest.raises(WebhookVerificationError):
        construct_event(body + b" ", sign("whsec_é", at, body), "whsec_é", str(at))


def test_verify_accepts_its_own_signature() -> None:
    assert verify("whsec_test", 1_700_000_000, BODY, CHECK_VALUE, now=1_700_000_000.5)


@pytest.mark.parametrize(("age_s", "good"), [(300, True), (301, False), (-300, True), (-301, False)])
def test_verify_minds_the_age_both_ways(age_s: int, good: bool) -> None:
    assert verify("whsec_test", 1_700_000_000, BODY, CHECK_VALUE, now=1_700_000_000 + age_s) is good


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", CHECK_VALUE[7:], CHECK_VALUE.upper(), CHECK_VALUE + " ", "sha256=é", "\udcff", "sha1=00"],
)
def test_verify_refuses_other_signatures(signature: str) -> None:
    assert not verify("whsec_test", 1_700_000_000, BODY, signature, now=1_700_000_000)


def test_verify_refuses_other_inputs() -> None:
    assert not verify("whsec_tesu", 1_700_000_000, BODY, CHECK_VALUE, now=1_700_000_000)
    assert not verify("whsec_test", 1_700_000_001, BODY, CHECK_VALUE, now=1_700_000_000)
    assert not verify("whsec_test", 1_700_000_000, BODY + b"\n", CHECK_VALUE, now=1_700_000_000)
