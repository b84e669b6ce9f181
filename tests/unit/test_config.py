"""Settings: where they come from, and how a wrong one is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txhub.config import Settings, load_settings, parse_span
from txhub.errors import SettingError

CHECKOUT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TXHUB_{name.upper()}", raising=False)


def write(text: str) -> None:
    Path("txhub.toml").write_text(text)


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
    monkeypatch.setenv("TXHUB_CHAINS__BASE__RPC", '["ws://127.0.0.1:8546"]')
    assert load_settings().chains["base"].rpc == ["ws://127.0.0.1:8546"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 70000", ["port", "70000", "65535"]),
        ('port = "high"', ["port", "high", "integer"]),
        ('log_level = "loud"', ["log_level", "loud", "'debug', 'info', 'warning' or 'error'"]),
        ('history = "a while"', ["history", "a while", "90s, 24h, 7d"]),
        ("request_blocks = 0", ["request_blocks", "0", "greater than or equal to 1"]),
        ("[chains.base]\nchain_id = -1", ["chains.base.chain_id", "-1", "greater than or equal to 0"]),
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


@given(st.integers(0, 10**6), st.sampled_from(["s", "m", "h", "d", "w"]))
def test_spans_are_a_number_and_a_unit(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    assert parse_span(f"{number}{unit}") == timedelta(seconds=number * seconds)


def test_the_documented_table_is_the_real_one() -> None:
    rows = [
        line.split("|") for line in (CHECKOUT / "docs/settings.md").read_text().splitlines() if line.startswith("| `")
    ]
    documented = {cells[1].strip(" `"): cells for cells in rows if cells[1].strip().startswith("`")}
    fields = {name: field.description for name, field in Settings.model_fields.items() if name != "chains"}
    chain_fields = Settings.model_fields["chains"].annotation.__args__[1].model_fields  # type: ignore[union-attr]
    fields |= {f"chains.NAME.{name}": field.description for name, field in chain_fields.items()}
    assert set(documented) == set(fields)
    for name, description in fields.items():
        assert documented[name][-2].strip() == description, name


def test_the_example_of_the_readme_is_valid() -> None:
    _, _, rest = (CHECKOUT / "README.md").read_text().partition("```toml\n")
    write(rest.partition("```")[0])
    settings = load_settings()
    assert settings.chains
