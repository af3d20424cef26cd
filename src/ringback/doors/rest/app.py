"""The REST application: routes, error bodies, limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic.alias_generators import to_camel

from ringback import __version__
from ringback.doors.rest.endpoints import (
    agent_prompts,
    agents,
    call_transcript,
    calls,
    catcher,
    contacts,
    conversations,
    delivery_detail,
    events,
    feedback,
    health,
    imessage,
    internal,
    lookup,
    messages,
    metrics,
    not_built,
    numbers,
    recordings,
    search,
    sub_accounts,
    usage,
    voices,
    webhook_delivery,
    webhooks,
)
from ringback.doors.rest.error_schemas import RESPONSES
from ringback.doors.rest.front import Hot
from ringback.doors.rest.guard import Guard, names_of
from ringback.doors.rest.parts import Parts
from ringback.doors.rest.refusals import tell_errors
from ringback.doors.web import connect, files
from ringback.messages.schemas import SendMessage
from ringback.speech.previews import Previews

HOT = {("POST", "/v1/messages"): Hot(messages.send_message, SendMessage)}
"""The operations that are answered by `Front`."""


def create(parts: Parts, *, more: Sequence[APIRouter] = ()) -> FastAPI:
    """The application over `parts`; `more` are other doors' routers."""
    app = FastAPI(
        title="Ringback",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: to_camel(route.name),
    )
    app.state.parts = parts
    app.state.store = parts.store
    app.state.catcher = catcher.catcher_of(parts)
    app.state.previews = Previews(parts.settings.data, parts.settings.speech_tts)
    for router in (
        messages.router,
        not_built.build_router(),
        lookup.router,
        calls.of_number,
        numbers.router,
        webhooks.of_agent,
        calls.of_agent,
        call_transcript.router,
        recordings.router,
        connect.router,
        files.router,
        calls.router,
        webhook_delivery.of_agent,
        voices.router,
        voices.for_everybody,
        agent_prompts.router,
        agents.router,
        conversations.router,
        search.router,
        contacts.router,
        imessage.router,
        feedback.router,
        webhooks.project,
        webhook_delivery.project,
        catcher.project,
        delivery_detail.router,
        usage.router,
        events.router,
        sub_accounts.router,
        *more,
        internal.router,
    ):
        app.include_router(router, responses=RESPONSES)
    app.include_router(metrics.router, responses={"default": RESPONSES["default"]})
    app.include_router(health.router, responses={"default": RESPONSES["default"]})
    app.include_router(catcher.door)
    tell_errors(app)
    return app


def guarded(app: Any, parts: Parts, larger: Mapping[tuple[str, str], int]) -> Guard:
    """The application behind the guard; `larger` as there."""
    settings = parts.settings
    return Guard(
        app,
        ids=parts.ids,
        host=settings.host,
        names=names_of(settings.public_url, settings.allowed_hosts),
        max_body_bytes=settings.max_body_bytes,
        larger=larger,
    )
