"""Settings: where they come from, and how a wrong one is refused."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from txhub.chain.registry import CHAINS
from txhub.config import ChainSettings, ChannelSettings, Settings, load_settings, parse_span
from txhub.contract import Pattern
from txhub.errors import SettingError

CHECKOUT = Path(__file__).parents[2]
DOCUMENT = CHECKOUT / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TXHUB_{name.upper()}", raising=False)


def write(text: str) -> None:
    Path("txhub.toml").write_text(text)


EXAMPLES = {
    "home": ("/srv/txhub", Path("/srv/txhub")),
    "database_url": ("postgres://txhub@db/txhub", SecretStr("postgres://txhub@db/txhub")),
    "read_database_url": ("postgres://reader@replica/txhub", SecretStr("postgres://reader@replica/txhub")),
    "host": ("::1", "::1"),
    "port": ("9000", 9000),
    "hosts": ("a.example, b.example", ["a.example", "b.example"]),
    "require_keys": ("true", True),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "history": ("90m", timedelta(minutes=90)),
    "request_blocks": ("50", 50),
    "parallel_requests": ("8", 8),
    "chunk_interval": ("6h", timedelta(hours=6)),
    "compress_after": ("1w", timedelta(weeks=1)),
    "archive": ("/srv/archive", "/srv/archive"),
    "geoip": ("/srv/GeoLite2-Country.mmdb", Path("/srv/GeoLite2-Country.mmdb")),
    "retention": ("90d", timedelta(days=90)),
    "keep_events": ("90d", timedelta(days=90)),
    "heartbeat_url": ("https://example.com/ping/1", SecretStr("https://example.com/ping/1")),
    "heartbeat_every": ("30s", timedelta(seconds=30)),
    "rules_past": ("30d", timedelta(days=30)),
    "public_url": ("https://txhub.example.com", "https://txhub.example.com"),
    "alert_window": ("5m", timedelta(minutes=5)),
    "alert_daily_cap": ("7", 7),
    "alert_max_age": ("2h", timedelta(hours=2)),
}
"""Each setting as text, and what it means."""


def test_there_is_an_example_of_each_setting() -> None:
    assert EXAMPLES.keys() | {"chains", "channels", "rules"} == Settings.model_fields.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_setting_comes_from_the_environment_or_the_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = EXAMPLES[name]
    assert getattr(load_settings(), name) != value
    with monkeypatch.context() as environment:
        environment.setenv(f"TXHUB_{name.upper()}", text)
        assert getattr(load_settings(), name) == value
    write(f"{name} = {text if isinstance(value, int) else repr(text)}")
    assert getattr(load_settings(), name) == value


def test_the_command_line_comes_before_the_environment_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().port == 8050
    write("port = 1001")
    assert load_settings().port == 1001
    monkeypatch.setenv("TXHUB_PORT", "1002")
    assert load_settings().port == 1002
    assert load_settings(port=1003).port == 1003
    assert load_settings(port=None).port == 1002


def test_a_container_s_secret_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "txhub_database_url").write_text("postgresql://txhub:hunter2@db/txhub")
    monkeypatch.setattr("txhub.config.SECRETS", secrets)
    url = load_settings().database_url
    assert url is not None
    assert url.get_secret_value() == "postgresql://txhub:hunter2@db/txhub"


def test_a_chain_s_nodes_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXHUB_CHAINS__BASE__RPC", "ws://127.0.0.1:8546, http://127.0.0.1:8545")
    assert load_settings().chains["base"].rpc == ["ws://127.0.0.1:8546", "http://127.0.0.1:8545"]


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXHUB_TEST_ANYTHING", "for tests")
    load_settings()
    monkeypatch.setenv("TXHUB_PROT", "80")
    with pytest.raises(SettingError, match="'TXHUB_PROT' does not exist"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 70000", ["port", "70000", "65535"]),
        ('port = "high"', ["port", "high", "integer"]),
        ('log_level = "loud"', ["log_level", "loud", "'debug', 'info', 'warning' or 'error'"]),
        ('history = "a while"', ["history", "a while", "90s, 24h, 7d"]),
        ("request_blocks = 0", ["request_blocks", "0", "greater than or equal to 1"]),
        ("[chains.base]\nchain_id = -1", ["chains.base.chain_id", "-1", "greater than or equal to 0"]),
        ("[channels.desk]", ["channels.desk", "either url or webhook"]),
        ('[channels.desk]\nwebhook = "https://a.example"', ["channels.desk", "a webhook needs a secret"]),
        ('[channels.desk]\nwebhook = "ftp://a.example"', ["channels.desk.webhook", "an https:// address"]),
        ('[channels."a b"]\nurl = "json://a"', ["channels.a b", "pattern"]),
        ('[channels.desk]\nurl = "json://a"\npatterns = "none"', ["channels.desk.patterns", "'fan_in'"]),
        ('[channels.desk]\nurl = "json://a"\ndigest = "noon"', ["channels.desk.digest", "noon"]),
        ("prot = 80", ["prot", "does not exist"]),
        ("[chains.base]\nprc = []", ["chains.base.prc", "does not exist"]),
        ("port = = 1", ["txhub.toml"]),
    ],
)
def test_a_wrong_value_is_refused_by_name_value_and_what_is_allowed(text: str, says: list[str]) -> None:
    write(text)
    with pytest.raises(SettingError) as refused:
        load_settings()
    assert all(part in str(refused.value) for part in says), str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_database_s_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXHUB_DATABASE_URL", "postgresql://txhub:hunter2@127.0.0.1/txhub")
    settings = load_settings()
    assert "hunter2" not in repr(settings) + str(settings.model_dump())
    write("port = 0")
    with pytest.raises(SettingError) as refused:
        load_settings(database_url=["postgresql://txhub:hunter2@127.0.0.1/txhub"])
    assert "hunter2" not in str(refused.value)


def test_a_node_s_key_is_never_shown() -> None:
    write('[chains.base]\nrpc = "wss://node.example/hunter2"')
    assert "hunter2" not in repr(load_settings())
    write('[chains.base]\nrpc = { first = "wss://node.example/hunter2" }')
    with pytest.raises(SettingError, match=r"'chains\.base\.rpc' is a secret") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


def test_a_channel_s_secrets_are_never_shown() -> None:
    write(
        '[channels.a]\nurl = "slack://hunter2"\n[channels.b]\nwebhook = "https://hunter2"\nsecret = "hunter2 hunter2 x"'
    )
    settings = load_settings()
    assert "hunter2" not in repr(settings) + str(settings.model_dump())
    for wrong in (
        '[channels.a]\nurl = "slack://hunter2"\nwebhook = "https://hunter2"',
        '[channels.a]\nwebhook = "hunter2"',
        '[channels.a]\nwebhook = "https://hunter2"\nsecret = "hunter2"',
        '[channels.a]\nurl = { of = "hunter2" }',
    ):
        write(wrong)
        with pytest.raises(SettingError) as refused:
            load_settings()
        assert "hunter2" not in str(refused.value)


def test_a_channel_s_lists_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TXHUB_CHANNELS__DESK__URL", "json://127.0.0.1")
    monkeypatch.setenv("TXHUB_CHANNELS__DESK__DIGEST", "07:00, 19:30")
    monkeypatch.setenv("TXHUB_CHANNELS__DESK__PATTERNS", "fan_in, spike")
    desk = load_settings().channels["desk"]
    assert desk.digest == [time(7), time(19, 30)]
    assert desk.patterns == [Pattern.FAN_IN, Pattern.SPIKE]


@given(st.integers(0, 10**6), st.sampled_from(["s", "m", "h", "d", "w"]))
def test_spans_are_a_number_and_a_unit(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    assert parse_span(f"{number}{unit}") == timedelta(seconds=number * seconds)


def documented() -> dict[str, list[str]]:
    """The rows of the tables in docs/settings.md: what follows the setting's name, by that."""
    rows = (line.strip("|").split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `"))
    return {name.strip(" `"): [cell.strip() for cell in rest] for name, *rest in rows}


def test_the_documented_settings_are_the_real_ones() -> None:
    fields = {
        name: field for name, field in Settings.model_fields.items() if name not in ("chains", "channels", "rules")
    }
    tables: dict[str, type[BaseModel]] = {"chains": ChainSettings, "channels": ChannelSettings}
    nested = {f"{table}.NAME.{name}" for table, model in tables.items() for name in model.model_fields}
    assert documented().keys() == fields.keys() | nested
    for name, field in fields.items():
        variable, default, meaning = documented()[name]
        assert (variable, meaning) == (f"`TXHUB_{name.upper()}`", field.description)
        if default == "none":
            assert field.default is None
        else:
            # As the environment would give it, so that 24h and 1d are the same.
            assert getattr(Settings.model_validate({name: default.strip("`")}), name) == field.default
    for table, model in tables.items():
        for name, field in model.model_fields.items():
            assert documented()[f"{table}.NAME.{name}"][-1] == field.description


def test_the_built_in_chains_are_documented() -> None:
    sentence, _, _ = DOCUMENT.read_text().partition("## Chains")[2].partition("are built in")
    assert re.findall(r"`(\w+)`", sentence) == list(CHAINS)


def test_the_example_of_the_readme_is_valid() -> None:
    _, _, rest = (CHECKOUT / "README.md").read_text().partition("```toml\n")
    write(rest.partition("```")[0])
    settings = load_settings()
    assert settings.chains
