"""A user's words for what the API calls by type and code."""

import re

_EVENTS = {
    "message.queued": "Text accepted",
    "message.sent": "Text sent",
    "message.delivered": "Text delivered",
    "message.failed": "Text failed",
    "message.unconfirmed": "Text unconfirmed",
    "message.received": "Text received",
    "call.queued": "Call accepted",
    "call.ringing": "Call rings",
    "call.answered": "Call answered",
    "call.turn": "Somebody spoke",
    "call.resumed": "Call taken over",
    "call.ended": "Call ended",
    "recording.available": "Recording ready",
    "recording.deleted": "Recording deleted",
    "conversation.created": "Conversation began",
    "conversation.updated": "Conversation changed",
    "number.bought": "Number bought",
    "number.updated": "Number changed",
    "number.released": "Number released",
    "number.attached": "Number attached",
    "number.detached": "Number detached",
    "agent.created": "Agent made",
    "agent.updated": "Agent changed",
    "agent.deleted": "Agent deleted",
    "opt_out.recorded": "Person opted out",
    "opt_out.lifted": "Person opted in",
    "webhook.set": "Webhook set",
    "webhook.deleted": "Webhook deleted",
    "webhook.secret_rotated": "Webhook secret changed",
    "webhook.disabled": "Webhook switched off",
    "webhook.enabled": "Webhook switched on",
    "webhook.delivered": "Webhook delivered",
    "webhook.failed": "Webhook failed",
    "webhook.redelivered": "Webhook sent again",
    "event.replayed": "Event replayed",
    "sub_account.created": "Sub-account made",
    "sub_account.updated": "Sub-account renamed",
    "sub_account.deleted": "Sub-account deleted",
    "key.created": "Key made",
    "key.revoked": "Key revoked",
}
_STATES = {
    "queued": "",
    "sent": "",
    "delivered": "good",
    "received": "good",
    "completed": "good",
    "active": "good",
    "answered": "good",
    "in-progress": "good",
    "failed": "bad",
    "disabled": "bad",
    "undelivered": "bad",
    "unconfirmed": "warn",
    "pending": "warn",
    "retrying": "warn",
}
_ENDINGS = {
    "user_hangup": "The person hung up",
    "agent_hangup": "Agent hung up",
    "api_end": "Ended from here",
    "call_transfer": "Transferred",
    "voicemail_reached": "Voicemail",
    "inactivity": "Nobody spoke",
    "max_duration_reached": "Longest length reached",
    "no_answer": "Nobody answered",
    "busy": "Busy",
    "declined": "Declined",
    "invalid_destination": "No such number",
    "carrier_error": "Carrier failed",
    "webhook_error": "Your webhook failed",
    "llm_error": "Language model failed",
    "speech_error": "Speech failed",
    "worker_lost": "Ringback lost the call",
}
_FAULTS = {
    "caller": "The person's doing",
    "agent": "Your agent's doing",
    "webhook": "Your webhook's fault",
    "llm": "The language model's fault",
    "speech": "The speech engine's fault",
    "carrier": "The carrier's fault",
    "ringback": "Ringback's fault",
}


_ADVICE_ON_PARTS = {
    "store": "Nothing is lost: requests are refused until it answers, and Ringback tries again by itself.",
    "carrier": "Texts wait in their order and go out as soon as it answers.",
    "model": "Hosted agents can't answer until it does. Look at llm_url and its key in the settings.",
    "speech": "Calls have no voice until it is there. What is missing is in the line above.",
    "webhooks": "Mend it and test it on the page Webhooks; what failed can be delivered again there.",
}
_ADVICE_ON_STATUS = {
    401: "It wants a key or a password: let it take requests by their signature.",
    403: "It refused: check that it has the newest secret, and that its clock is right.",
    404: "Something listens there, but not at this path.",
    405: "It takes no POST at this path.",
    413: "It takes no body as long as this one.",
    429: "It had too much at once. It is tried again later.",
}


def advice_on_part(name: str) -> str:
    """What to do about a part of the server that is not well."""
    return _ADVICE_ON_PARTS.get(name, "")


def advice_on_attempt(status: int | None, error: str | None) -> str:
    """What to do about a webhook that failed; empty where its own words say all."""
    if status is None:
        return "No answer came. Look whether it runs, and at the address." if error else ""
    if status >= 500:
        return "Your code failed while it took the webhook: look at its log."
    if 300 <= status < 400:
        return "It leads elsewhere, and redirects are not followed: set the address that it leads to."
    return _ADVICE_ON_STATUS.get(status, "")


def named(field: str) -> str:
    """A field of the API as people read it: begin message."""
    if field == "pattern":
        return "digits"
    return re.sub(r"(?<=[a-z])[A-Z]", lambda letter: f" {letter[0].lower()}", field).replace("_", " ")


def event_words(kind: str) -> str:
    """A sentence without a verb too many: "Text delivered"."""
    return _EVENTS.get(kind) or kind.replace("_", " ").replace(".", " ").capitalize()


def event_state(kind: str) -> str:
    """`good`, `warn`, `bad`, or nothing."""
    return state_of(kind.partition(".")[2])


def state_of(status: str) -> str:
    return _STATES.get(status, "")


def ending_words(reason: str | None) -> str:
    """How a call ended."""
    if not reason:
        return "–"
    return _ENDINGS.get(reason) or reason.replace("_", " ").replace("-", " ").capitalize()


def side_words(side: str | None) -> str:
    """Whose doing an ending was."""
    return _FAULTS.get(side or "", "Nobody's fault")
