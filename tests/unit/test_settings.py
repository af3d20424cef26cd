"""Settings: where values come from, and what an operator reads when one is wrong."""

from pathlib import Path

import pytest

from ringback.operator_error import OperatorError
from ringback.settings import PREFIX, Settings, origin, takes
from ringback.settings_file import FILE, read_file
from ringback.stray_settings import strays

pytestmark = pytest.mark.unit

POSTGRES = "postgresql://ring:hidden-word@db.example/ring"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name}".upper(), raising=False)


def complaint(**options: object) -> str:
    with pytest.raises(OperatorError) as caught:
        Settings.load(**options)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.line
    return caught.value.line


def test_defaults(tmp_path: Path) -> None:
    settings = Settings.load()
    assert (settings.host, settings.port, settings.role, settings.log_level) == (
        "127.0.0.1",
        8642,
        "all",
        "info",
    )
    assert settings.data == tmp_path / "ringback-data"
    assert (settings.number_limit, settings.carrier, settings.sim_handsets) == (10, "simulated", "auto")
    assert not settings.on_postgres


def test_option_wins_over_environment_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    FILE.write_text("port = 1001\nhost = '127.0.0.2'\nnumber_limit = 3\n")
    monkeypatch.setenv("RINGBACK_PORT", "1002")
    monkeypatch.setenv("RINGBACK_HOST", "127.0.0.3")
    settings = Settings.load(port="1003", host=None)
    assert (settings.port, settings.host, settings.number_limit) == (1003, "127.0.0.3", 3)


def test_tables_of_the_file_are_prefixes() -> None:
    FILE.write_text('[sim]\nhandsets = "strict"\nurl = "http://127.0.0.1:8643/"\n')
    settings = Settings.load()
    assert (settings.sim_handsets, settings.sim_url) == ("strict", "http://127.0.0.1:8643")


def test_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_PORT", "")
    assert Settings.load().port == 8642


def test_variables_that_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "RINGBACK_NUMBR_LIMIT",
        "RINGBACK_SERVICE_HOST",
        "RINGBACK_URL",
        "RINGBACK_API_KEY",
        "RINGBACK_PORT",
    ):
        monkeypatch.setenv(name, "1")
    assert strays() == {"RINGBACK_NUMBR_LIMIT": "RINGBACK_NUMBER_LIMIT", "RINGBACK_SERVICE_HOST": None}


def test_hosts_are_a_list_with_commas_or_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    FILE.write_text('allowed_hosts = ["a.example"]\n')
    assert Settings.load().allowed_hosts == ("a.example",)
    monkeypatch.setenv("RINGBACK_ALLOWED_HOSTS", "A.example, b.example:8642,")
    assert Settings.load().allowed_hosts == ("a.example", "b.example:8642")


def test_data_folder_is_absolute_and_knows_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Settings.load(data="~/ring").data == tmp_path / "home" / "ring"
    assert Settings.load(data="x/../y").data == tmp_path / "y"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_by_any_of_its_names(scheme: str) -> None:
    settings = Settings.load(database_url=f"{scheme}://db.example/ring")
    assert settings.database_url == "postgresql://db.example/ring"
    assert settings.on_postgres


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("RINGBACK_PORT", "abc", "RINGBACK_PORT: 'abc' is not accepted; it takes a number from 0 to 65535"),
        (
            "RINGBACK_PORT",
            "65536",
            "RINGBACK_PORT: '65536' is not accepted; it takes a number from 0 to 65535",
        ),
        (
            "RINGBACK_LOG_LEVEL",
            "loud",
            "RINGBACK_LOG_LEVEL: 'loud' is not accepted; it takes debug, info, warning or error",
        ),
        (
            "RINGBACK_ROLE",
            "sip",
            "RINGBACK_ROLE: 'sip' is not accepted; it takes all, api, dispatch, deliver or voice",
        ),
        (
            "RINGBACK_PUBLIC_URL",
            "ftp://x",
            "RINGBACK_PUBLIC_URL: 'ftp://x' is not accepted; it takes an http:// or https:// URL",
        ),
        (
            "RINGBACK_SIM_URL",
            "http://x:port",
            "RINGBACK_SIM_URL: 'http://x:port' is not accepted; it takes an http:// URL",
        ),
        (
            "RINGBACK_SUBMIT_TIMEOUT_S",
            "nan",
            "RINGBACK_SUBMIT_TIMEOUT_S: 'nan' is not accepted; it takes seconds, above 0 and at most 60",
        ),
    ],
)
def test_wrong_value_names_setting_and_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert complaint() == line


def test_wrong_option_and_line_are_called_what_they_are() -> None:
    assert complaint(log_level="x").startswith("--log-level: 'x' ")
    assert complaint(database_url="mysql://x").startswith("--database: its value ")
    FILE.write_text("port = 'x'\n")
    assert complaint().startswith("port in ringback.toml: 'x' ")


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hidden-word" not in repr(Settings.load(database_url=POSTGRES, secret_key="hidden-word" * 4))
    monkeypatch.setenv("RINGBACK_SECRET_KEY", "hidden-word")
    assert (
        complaint()
        == "RINGBACK_SECRET_KEY: its value is not accepted; it takes 32 bytes in base64 or hex; several with commas between"
    )
    monkeypatch.delenv("RINGBACK_SECRET_KEY")
    assert "hidden-word" not in complaint(database_url="mysql://ring:hidden-word@db")


def test_unknown_key_of_the_file_is_a_typo() -> None:
    FILE.write_text("prot = 1\n")
    assert complaint() == "ringback.toml: no setting is called prot; did you mean port?"
    FILE.write_text("[sim]\nhandset = 'auto'\n")
    assert complaint() == "ringback.toml: no setting is called sim_handset; did you mean sim_handsets?"


def test_file_that_is_no_toml() -> None:
    FILE.write_text("port 1\n")
    assert complaint().startswith("ringback.toml is not valid TOML: ")
    FILE.write_bytes(b"host = '\xff'\n")
    assert complaint().startswith("ringback.toml is not valid TOML: ")
    FILE.unlink()
    FILE.mkdir()
    assert complaint() == "ringback.toml can't be read: Is a directory"


@pytest.mark.parametrize("role", ["api", "dispatch", "deliver"])
def test_roles_need_postgres_and_a_network_of_its_own(role: str) -> None:
    assert "needs PostgreSQL" in complaint(role=role)
    assert "RINGBACK_SIM_URL" in complaint(role=role, database_url=POSTGRES)
    settings = Settings.load(role=role, database_url=POSTGRES, sim_url="http://127.0.0.1:8643")
    assert settings.role == role


def test_every_setting_is_documented() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert takes(name), name


def test_origin_is_what_the_operator_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    FILE.write_text("number_limit = 3\n")
    monkeypatch.setenv("RINGBACK_HOST", "127.0.0.3")
    from_file = read_file(FILE)
    found = [
        origin(name, {"database_url": "x"}, from_file)
        for name in ("database_url", "host", "number_limit", "port")
    ]
    assert found == ["--database", "RINGBACK_HOST", "number_limit in ringback.toml", None]


def test_a_models_key_needs_an_address_and_is_never_shown() -> None:
    with pytest.raises(OperatorError, match="llm_key needs llm_url"):
        Settings.load(llm_key="hidden-word")
    with pytest.raises(OperatorError, match="URL such as"):
        Settings.load(llm_url="api.example")
    loaded = Settings.load(llm_key="hidden-word", llm_url="http://127.0.0.1:11434/v1/")
    assert loaded.llm_url == "http://127.0.0.1:11434/v1"
    assert "hidden-word" not in repr(loaded)
