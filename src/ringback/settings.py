"""Every setting of the server, in one typed object.

A value comes from the command's options, else from the environment (`RINGBACK_` and the setting's name in capitals),
else from `ringback.toml` in the working directory, else from its default. A table in the file is a prefix: `handsets`
under `[sim]` is `sim_handsets`.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from ringback.kit.links import base_of
from ringback.operator_error import OperatorError
from ringback.settings_file import FILE, read_file
from ringback.web_address import postgres_url, web_address

PREFIX = "RINGBACK_"
SLOW_SHARE = 10
"""How many times as many webhook attempts may wait for slow endpoints as for others."""
OPTION_OF = {"database_url": "--database"}
"""Options that are not called like their setting."""
_HIDDEN = {"database_url", "secret_key", "llm_key"}
"""Settings whose value may hold a secret and is never shown."""


def _setting(default: object, description: str, takes: str, **limits: Any) -> Any:
    """A setting: its one line of documentation, and what it takes, as a complaint words it."""
    return Field(default, description=description, json_schema_extra={"takes": takes}, **limits)


class Settings(BaseSettings):
    """The settings of one process. Use `Settings.load`, which complains in the operator's words."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    host: str = _setting(
        "127.0.0.1", "Address to listen on.", "a name or address of this machine", min_length=1
    )
    port: int = _setting(
        8642, "Port to listen on; 0 takes any free one.", "a number from 0 to 65535", ge=0, le=65535
    )
    data: Path = _setting(
        Path("ringback-data"), "Folder that holds the store, the keys and recordings.", "a folder's path"
    )
    database_url: str | None = _setting(
        None,
        "PostgreSQL to use in place of SQLite in the data folder.",
        "a postgresql:// URL; leave it out for SQLite in the data folder",
        repr=False,
    )
    role: Literal["all", "api", "dispatch", "deliver", "voice"] = _setting(
        "all",
        "What this process does: everything, or one part beside others on PostgreSQL.",
        "all, api, dispatch, deliver or voice",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "The least level that is logged.", "debug, info, warning or error"
    )
    carrier: Literal["simulated"] = _setting("simulated", "The phone network behind the API.", "simulated")
    sim_url: str | None = _setting(
        None, "Where `ringback sim` answers, when the network runs in a process of its own.", "an http:// URL"
    )
    sim_handsets: Literal["auto", "strict"] = _setting(
        "auto",
        "Whether a number that nobody holds becomes a handset when it is reached, or is unreachable.",
        "auto or strict",
    )
    number_limit: int = _setting(10, "Numbers an account may hold.", "a whole number from 0 on", ge=0)
    public_url: str | None = _setting(
        None,
        "Address under which the world reaches this server, for links and carriers' callbacks.",
        "an http:// or https:// URL",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = _setting(
        (),
        "Names accepted in the Host header besides loopback, `host` and the public URL's.",
        "host names with commas between",
    )
    web_origins: Annotated[tuple[str, ...], NoDecode] = _setting(
        (), "Origins whose pages may make web calls; without any, all.", "https://host with commas between"
    )
    secret_key: SecretStr | None = _setting(
        None,
        "Key that seals secrets at rest; without it `secret.key` in the data folder, made at the first start.",
        "32 bytes in base64 or hex; several with commas between",
        min_length=32,
    )
    submit_timeout_s: float = _setting(
        5.0,
        "Seconds a send waits for the carrier's word.",
        "seconds, above 0 and at most 60",
        gt=0,
        le=60,
        allow_inf_nan=False,
    )
    webhook_concurrency: int = _setting(
        200,
        "Webhook attempts in flight at once; ten times as many may wait for endpoints that are slow.",
        "a number from 1 to 10000",
        ge=1,
        le=10_000,
    )
    webhook_retry: Literal["vendor", "three-days"] = _setting(
        "vendor",
        "How long a webhook is tried: six attempts in 2 h 35 min, or fifteen in three days.",
        "vendor or three-days",
    )
    webhook_disable_after_days: int = _setting(
        5,
        "Days of failures alone, with one each day, after which an endpoint is switched off; 0 never does it.",
        "a number from 0 to 365",
        ge=0,
        le=365,
    )
    event_retention_days: int = _setting(
        30,
        "Days for which events of the log are kept; 0 keeps them for ever.",
        "a number from 0 to 3650",
        ge=0,
        le=3_650,
    )
    record_calls: bool = _setting(
        True, "Whether calls are recorded where the request doesn't say.", "true or false"
    )
    recordings: Path | None = _setting(
        None,
        "Folder of recordings; processes of several roles share one.",
        "a path; its own in the data folder",
    )
    voice_url: str | None = _setting(
        None,
        "Where the other processes reach this one, of the role voice.",
        "an http:// URL; its own address",
    )
    recording_retention_days: int = _setting(
        90,
        "Days for which recordings are kept; 0 keeps them for ever.",
        "a number from 0 to 3650",
        ge=0,
        le=3_650,
    )
    ring_timeout_s: int = _setting(
        60, "Seconds that a phone rings which an agent calls.", "a number from 1 to 60", ge=1, le=60
    )
    max_call_minutes: int = _setting(
        60, "Minutes after which a call is ended.", "a number from 1 to 1440", ge=1, le=1_440
    )
    speech_stt: Literal["auto", "moonshine", "whisper", "pipecat", "fake"] = _setting(
        "auto",
        "What understands callers; auto takes the first that is installed, pipecat what speech.toml names.",
        "auto, moonshine, whisper, pipecat or fake",
    )
    speech_tts: Literal["auto", "piper", "flite", "pipecat", "fake"] = _setting(
        "auto",
        "What speaks for agents; auto takes the first that is installed, pipecat what speech.toml names.",
        "auto, piper, flite, pipecat or fake",
    )
    llm_url: str | None = _setting(
        None,
        "Base of the chat completions API that speaks for hosted agents; without it the demo brain does.",
        "an http:// or https:// URL such as https://api.openai.com/v1 or http://127.0.0.1:11434/v1",
    )
    llm_key: SecretStr | None = _setting(None, "Key for it, if it takes one.", "a key", min_length=1)
    llm_model: str = _setting(
        "gpt-4.1-mini", "The model there.", "the name of a model at llm_url", min_length=1
    )
    llm_model_turbo: str | None = _setting(
        None, "The model of the tier `turbo`, if another.", "the name of a model at llm_url", min_length=1
    )
    llm_model_max: str | None = _setting(
        None, "The model of the tier `max`, if another.", "the name of a model at llm_url", min_length=1
    )
    llm_timeout_s: float = _setting(
        10.0,
        "Seconds for which a model may say nothing, before its first word and between two.",
        "seconds from 1 to 120",
        ge=1,
        le=120,
        allow_inf_nan=False,
    )
    otel_endpoint: str | None = _setting(
        None,
        "OpenTelemetry collector (OTLP over HTTP) that traces are sent to; without it there are none.",
        "a URL such as http://127.0.0.1:4318",
    )
    max_body_bytes: int = _setting(
        1_048_576, "Largest request body taken, in bytes.", "a number of bytes from 1024 on", ge=1024
    )
    key_requests_per_second: float | None = _setting(
        None,
        "Requests a second that an API key may make; without it as many as the server can answer.",
        "requests, from 0.01 to 1000000",
        ge=0.01,
        le=1_000_000,
        allow_inf_nan=False,
    )
    key_burst: int = _setting(
        50,
        "Requests that a key may make at once after a rest, where they are limited.",
        "a number from 1 to 1000000",
        ge=1,
        le=1_000_000,
    )
    max_connections: int = _setting(
        4_000,
        "Connections of clients that one process holds; then idle ones make room, or new ones get 503.",
        "a number from 10 to 100000",
        ge=10,
        le=100_000,
    )
    request_timeout_s: float = _setting(
        30.0,
        "Seconds in which a request's body must come in.",
        "seconds, above 0 and at most 3600",
        gt=0,
        le=3600,
        allow_inf_nan=False,
    )
    pg_pool_size: int = _setting(
        10, "Connections to PostgreSQL that one process reads with.", "a number from 1 to 500", ge=1, le=500
    )
    stop_timeout_s: int = _setting(
        10,
        "Seconds that open requests get to end when the server stops.",
        "seconds from 0 to 3600",
        ge=0,
        le=3600,
    )

    @classmethod
    def load(cls, **options: object) -> Self:
        """The settings in force; an option that is None counts as not given. `OperatorError` for a wrong one."""
        given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        from_file = read_file(FILE)
        try:
            return cls(**given)
        except ValidationError as error:
            raise _complaint(error, given, from_file) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, InitSettingsSource(settings_cls, read_file(FILE))

    @property
    def on_postgres(self) -> bool:
        """Whether the store is PostgreSQL; otherwise it is SQLite in the data folder."""
        return self.database_url is not None

    @property
    def own_url(self) -> str:
        """Where this server is reached: the public URL, else its address as this machine knows it."""
        return self.public_url or base_of(self.host, self.port)

    @property
    def recordings_folder(self) -> Path:
        return self.recordings or self.data / "recordings"

    @field_validator("data", "recordings", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else Path(os.path.abspath(value.expanduser()))

    _postgres_only = field_validator("database_url", mode="after")(postgres_url)
    _web_addresses = field_validator("sim_url", "public_url", "llm_url", "voice_url", mode="after")(
        web_address
    )

    @field_validator("allowed_hosts", "web_origins", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.llm_key is not None and self.llm_url is None:
            raise ValueError("llm_key needs llm_url: the base of the API that takes it")
        if self.role != "all" and self.database_url is None:
            raise ValueError(
                f"role {self.role} needs PostgreSQL: give its URL with --database or RINGBACK_DATABASE_URL,"
                " or leave the role out"
            )
        if self.role != "all" and self.carrier == "simulated" and self.sim_url is None:
            raise ValueError(
                f"role {self.role} needs the simulated network in a process of its own:"
                " start `ringback sim` and give its address as RINGBACK_SIM_URL"
            )
        return self


def origin(name: str, options: Mapping[str, object], from_file: Mapping[str, object]) -> str | None:
    """Where a setting's value comes from, as an operator calls it: an option, a variable, the file, or None."""
    if name in options:
        return OPTION_OF.get(name, f"--{name.replace('_', '-')}")
    variable = f"{PREFIX}{name}".upper()
    if any(key.upper() == variable and value for key, value in os.environ.items()):
        return variable
    return f"{name} in {FILE.name}" if name in from_file else None


def _complaint(
    error: ValidationError, options: Mapping[str, object], from_file: Mapping[str, object]
) -> OperatorError:
    first = error.errors(include_url=False, include_context=False)[0]
    if not first["loc"]:
        return OperatorError(first["msg"].removeprefix("Value error, "))
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        where = f"{FILE.name}: " if name in from_file and name not in options else ""
        return OperatorError(f"{where}no setting is called {name}{hint}")
    where = origin(name, options, from_file) or name
    shown = "its value" if name in _HIDDEN else repr(first["input"])
    return OperatorError(f"{where}: {shown} is not accepted; it takes {takes(name)}")


def takes(name: str) -> str:
    """What a setting takes, in words."""
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra["takes"]) if isinstance(extra, dict) else ""
