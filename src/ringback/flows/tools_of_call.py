"""What the model of a call asks of the server: to send a text to the other party, and to read those with them."""

import json
from collections.abc import Mapping
from typing import Any

from ringback.calls import service as calls
from ringback.flows.render_webhook import party_of, texts_with
from ringback.flows.send_text import Line, SendText, send_text
from ringback.kit.faults import Fault
from ringback.storage import idempotency
from ringback.storage.idempotency import Answer, Claim
from ringback.storage.tx import Reads, Row, Tx

SEND, READ = "send_text", "read_texts"
_OPERATION = "call"
_MOST_CHARACTERS = 1_600
_LIMIT, _MOST = 10, 50


def serve(tx: Tx, line: Line, asked: Mapping[str, Any], *, child: str) -> dict[str, Any]:
    """Do what a call's `child` asks (`{account, call, id, what, arguments}`), once for each id; answers what came of it.

    `{"error": ...}` says why it was not done. What the server can't do now raises, and may be asked again.
    """
    account_id = asked["account"]
    claim = Claim(account_id, _OPERATION, asked["id"], asked["call"])
    kept = idempotency.look_up(tx, claim)
    if kept is not None:
        found: dict[str, Any] = json.loads(kept.body)
        return found
    call = calls.get(tx, account_id, asked["call"])
    # A call that is over has still asked: its caller was promised the text.
    if call["child"] != child:
        return {"error": "this call is held by another by now"}
    tx.request_id = tx.request_id or call["request_id"]
    try:
        answer = _do(tx, line, call, asked["what"], asked["arguments"])
    except Fault as fault:
        if fault.status >= 500:
            raise
        answer = {"error": fault.message}
    idempotency.keep(tx, claim, Answer(200, json.dumps(answer, ensure_ascii=False).encode()))
    return answer


def _do(tx: Tx, line: Line, call: Row, what: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    if call["conversation_id"] is None or call["number_id"] is None:
        return {"error": "the other party of this call has no number to text"}
    match what:
        case "send_text":
            return _send(tx, line, call, arguments)
        case "read_texts":
            return _read(tx, call, arguments)
    return {"error": f"nothing is called {what[:64]}"}


def _send(tx: Tx, line: Line, call: Row, arguments: Mapping[str, Any]) -> dict[str, Any]:
    text = arguments.get("text")
    if not isinstance(text, str) or not 0 < len(text) <= _MOST_CHARACTERS:
        return {"error": f"text must be a string of 1 to {_MOST_CHARACTERS} characters"}
    asked = SendText(call["account_id"], party_of(call), text, number_id=call["number_id"])
    message = send_text(tx, line, asked)
    return {"status": "sent", "to": party_of(call), "messageId": message["id"]}


def _read(db: Reads, call: Row, arguments: Mapping[str, Any]) -> dict[str, Any]:
    limit = arguments.get("limit")
    limit = limit if isinstance(limit, int) and not isinstance(limit, bool) else _LIMIT
    found = texts_with(db, call, min(max(limit, 1), _MOST))
    return {
        "texts": [
            {
                "from": "them" if one["direction"] == "inbound" else "you",
                "text": one["content"],
                "at": one["at"],
            }
            for one in found
        ]
    }
