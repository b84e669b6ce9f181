"""Every setting: its name, type, default and meaning, read once at start and handed down.

A value comes from the command line, else from the environment (`TXHUB_…`), else from a secret's file, else from
`txhub.toml`, else from the default written here. `docs/settings.md` is this table in prose; a test compares them.
"""

from __future__ import annotations

import os
import re
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from txhub.contract import Kind, Pattern, Severity
from txhub.errors import SettingError

SETTINGS_FILE = Path("txhub.toml")
LEAST_SECRET = 16
SECRETS = Path("/run/secrets")
"""Where container engines put secrets; a file `txhub_database_url` in it is the setting of that name."""

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_SPAN_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: object) -> timedelta:
    """Turn `90s`, `10m`, `24h`, `7d` or `2w` into a timedelta.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(text, timedelta):
        return text
    match = _SPAN.fullmatch(str(text).strip())
    if match is None:
        raise ValueError("a number and a unit are expected, one of s, m, h, d, w: 90s, 24h, 7d")
    return timedelta(**{_SPAN_UNITS[match[2]]: float(match[1])})


Span = Annotated[timedelta, BeforeValidator(parse_span)]


def _parse_list(given: object) -> object:
    return [each.strip() for each in given.split(",")] if isinstance(given, str) else given


Names = Annotated[list[str], BeforeValidator(_parse_list), NoDecode]
# Keys of paid nodes are part of their URLs, so they are not shown.
Urls = Annotated[list[str], BeforeValidator(_parse_list), NoDecode, Field(repr=False)]
_SECRETS = {"database_url", "read_database_url", "heartbeat_url", "rpc", "url", "webhook", "secret"}


class KeepSettings(BaseModel):
    """`[chains.NAME.keep]`: which transactions are stored; the others are only counted."""

    model_config = ConfigDict(extra="forbid")

    kinds: list[Kind] | None = Field(default=None, description="kinds that are stored; without it, all")
    least_value: Decimal = Field(default=Decimal(0), ge=0, description="whole coins from which on one is stored")


class ChainSettings(BaseModel):
    """`[chains.NAME]`: where a chain's nodes are, and what differs from the built-in registry.

    A chain that the registry does not know needs `chain_id`; the rest has defaults.
    """

    model_config = ConfigDict(extra="forbid")

    rpc: Urls = Field(default=[], description="node URLs (ws, wss, http, https), tried in turn")
    chain_id: int | None = Field(default=None, ge=0, description="what `eth_chainId` answers")
    family: Literal["evm", "utxo"] | None = Field(default=None, description="how its nodes speak")
    symbol: str | None = Field(default=None, description="its coin")
    decimals: int | None = Field(default=None, ge=0, le=36, description="base units of a coin, as a power of ten")
    block_time_s: float | None = Field(default=None, gt=0, description="seconds between blocks")
    finality_depth: int | None = Field(default=None, ge=1, description="blocks that a reorg may replace")
    large_value: Decimal | None = Field(
        default=None, gt=0, description="whole coins from which on a transaction is large"
    )
    price_feed: str | None = Field(
        default=None,
        pattern="^0x[0-9a-fA-F]{40}$",
        description="address of a Chainlink feed on this chain that tells its coin's price in USD",
    )
    explorer: str | None = Field(
        default=None,
        pattern="^https?://[^\\s\"'<>]+[^/\\s\"'<>]$",
        description="address of a public block explorer, which answers link to: https://host",
    )
    keep: KeepSettings | None = Field(default=None, description="which transactions are stored; without it, all")


class ChannelSettings(BaseModel):
    """`[channels.NAME]`: somewhere alerts are told: by one of apprise's services, or by a webhook that txhub signs."""

    model_config = ConfigDict(extra="forbid")

    url: SecretStr | None = Field(
        default=None, description="an apprise URL, such as mailto://…, slack://… or pagerduty://…"
    )
    webhook: SecretStr | None = Field(default=None, description="an https:// address that gets signed JSON, instead")
    secret: SecretStr | None = Field(default=None, description="what the webhook is signed with, 16 characters or more")
    least_severity: Severity = Field(default=Severity.LOW, description="alerts that matter less are not told here")
    rules: Names | None = Field(default=None, description="rules whose alerts are told; without it, all")
    patterns: Annotated[list[Pattern], BeforeValidator(_parse_list), NoDecode] | None = Field(
        default=None, description="patterns that are told; without it, all"
    )
    chains: Names | None = Field(
        default=None, description="chains whose alerts are told, and those of no chain; without it, all"
    )
    digest: Annotated[list[time], BeforeValidator(_parse_list), NoDecode] | None = Field(
        default=None, description="times of day (UTC) at which everything since the last one is told in one message"
    )
    allow_private: bool = Field(default=False, description="allow an address in a private network, or on this machine")

    @field_validator("webhook")
    @classmethod
    def _is_http(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("an https:// address is expected")
        return url

    @field_validator("secret")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < LEAST_SECRET:
            raise ValueError(f"{LEAST_SECRET} characters or more are expected")
        return secret

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.url is None) == (self.webhook is None):
            raise ValueError("either url or webhook is expected")
        if (self.webhook is None) != (self.secret is None):
            raise ValueError("a webhook needs a secret, and nothing else does")
        return self


class Settings(BaseSettings):
    """txhub's settings. Field descriptions are the documentation."""

    model_config = SettingsConfigDict(
        env_prefix="TXHUB_", env_nested_delimiter="__", toml_file=SETTINGS_FILE, extra="forbid", env_file=None
    )

    home: Path = Field(default=Path(".txhub"), description="where the embedded database and its secrets live")
    database_url: SecretStr | None = Field(
        default=None,
        description="a PostgreSQL to use instead of the embedded one: postgresql://user:password@host:port/name",
    )
    read_database_url: SecretStr | None = Field(
        default=None,
        description="a replica of the database, which `serve` and `sql` read: they then never wait for writers",
    )
    host: str = Field(default="127.0.0.1", description="address that the API and the dashboard listen on")
    port: int = Field(default=8050, ge=1, le=65535, description="port that the API and the dashboard listen on")
    hosts: Names | None = Field(
        default=None, description="names by which a proxy passes requests on to a loopback address, beside its own"
    )
    require_keys: bool = Field(
        default=False, description="ask for a key on a loopback address too, as behind a proxy that others reach"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is logged"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="one line an event, as text or JSON; auto: text on a terminal"
    )
    history: Span = Field(default=timedelta(hours=24), description="how much history `up` and `ingest` load first")
    request_blocks: int = Field(default=20, ge=1, le=1000, description="blocks asked of a node in one request")
    parallel_requests: int = Field(default=4, ge=1, le=64, description="requests to a node under way at once")
    chunk_interval: Span = Field(default=timedelta(days=1), description="time span of a chunk of the hypertable")
    compress_after: Span = Field(default=timedelta(days=2), description="age at which chunks go to the columnstore")
    archive: str | None = Field(
        default=None,
        description="folder or fsspec address of the archive, which the worker keeps then; else `archive` in `home`",
    )
    geoip: Path | None = Field(
        default=None,
        description="a GeoIP file, such as GeoLite2-Country.mmdb: nodes are then asked where their peers are",
    )
    retention: Span | None = Field(
        default=None,
        ge=timedelta(days=4),
        description="age at which raw rows that are archived and verified are dropped, 4d or more; without it, never",
    )
    keep_events: Span = Field(
        default=timedelta(days=365), ge=timedelta(days=30), description="how long the event log is kept, 30d or more"
    )
    heartbeat_url: SecretStr | None = Field(
        default=None, description="an https:// address that the worker calls as long as it lives: a dead man's switch"
    )
    heartbeat_every: Span = Field(
        default=timedelta(minutes=1), ge=timedelta(seconds=1), description="how often the worker calls `heartbeat_url`"
    )
    rules_past: Span = Field(
        default=timedelta(days=7), description="how much of the past a new or changed rule looks at, once"
    )
    rules: dict[str, dict[str, Any]] = Field(
        default={}, description="rules beside those that come with txhub, or in their place: docs/rules.md"
    )
    public_url: str | None = Field(
        default=None, pattern=r"^https?://", description="where people reach the dashboard, for links in messages"
    )
    alert_window: Span = Field(
        default=timedelta(minutes=10),
        description="how long alerts of one rule about one entity are collected after a message about it",
    )
    alert_daily_cap: int = Field(
        default=50, ge=1, description="messages a day (UTC) that a channel gets about one rule's alerts"
    )
    alert_max_age: Span = Field(
        default=timedelta(hours=1), description="age of what an alert is about from which on nobody is told of it"
    )
    channels: dict[Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,59}$")], ChannelSettings] = Field(
        default={}, description="where alerts are told"
    )
    chains: dict[str, ChainSettings] = Field(
        default={}, description="chains beside the built-in ones, or what differs from those"
    )

    @property
    def archive_address(self) -> str:
        """Where the archive is: as it was set, or in `home`."""
        return self.archive or str((self.home / "archive").absolute())

    @field_validator("database_url", "read_database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("postgresql://user:password@host:port/name is expected")
        return url

    @field_validator("heartbeat_url")
    @classmethod
    def _is_http(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("an https:// address is expected")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the command line before the environment, that before secrets, and those before the file."""
        return init_settings, env_settings, file_secret_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**command_line: Any) -> Settings:
    """Read and validate all settings; options that are None on the command line do not count.

    Raises:
        SettingError: a value is not allowed, or a setting does not exist; says what was given and what is allowed.
    """
    _refuse_unknown_variables()
    given = {name: value for name, value in command_line.items() if value is not None}
    if SECRETS.is_dir():
        given["_secrets_dir"] = SECRETS
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingError(_explain(error), hint="docs/settings.md lists every setting") from None
    except (SettingsError, ValueError) as error:
        raise SettingError(f"{SETTINGS_FILE} or the environment cannot be read: {error}") from None


def _refuse_unknown_variables() -> None:
    """A misspelt variable would be passed over in silence otherwise; those of the tests are no settings."""
    known = {f"TXHUB_{name.upper()}" for name in Settings.model_fields}
    for variable in os.environ:
        name = variable.upper().partition("__")[0]
        if name.startswith("TXHUB_") and not name.startswith("TXHUB_TEST_") and name not in known:
            raise SettingError(f"setting {variable!r} does not exist", hint="docs/settings.md lists every setting")


def _explain(error: ValidationError) -> str:
    lines = []
    for fault in error.errors(include_url=False):
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"setting {name!r} does not exist")
        else:
            value = repr(fault["input"])
            if _SECRETS & set(fault["loc"]):
                value = "a secret"
            elif isinstance(fault["input"], dict):  # which may hold one
                value = "wrong"
            wanted = (
                fault["msg"].removeprefix("Value error, ").replace("Input should", "it should").partition(", unable")[0]
            )
            lines.append(f"setting {name!r} is {value}: {wanted}")
    return "; ".join(lines)
