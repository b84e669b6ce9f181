"""compose.yaml is the production shape: what it runs exists, and is guarded, watched and limited."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.test_documented_commands import find
from txhub import __version__
from txhub.config import SECRETS, Settings

CHECKOUT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
OVERRIDE: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose" / "override.example.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
LASTING = {name: service for name, service in SERVICES.items() if name != "migrate"}


@pytest.mark.parametrize(
    ("service", "command"),
    [
        *((name, service["command"]) for name, service in OURS.items()),
        *((name, service["command"]) for name, service in OVERRIDE["services"].items() if "command" in service),
        *((name, OURS[name]["healthcheck"]["test"][2:]) for name in ("ingester", "worker")),
    ],
)
def test_a_service_runs_a_command_that_exists(service: str, command: list[str]) -> None:
    found, options = find(command)
    found.make_context(service, options)


def test_services_are_of_this_release_and_guarded() -> None:
    assert set(OURS) == {"migrate", "ingester", "worker", "api"}
    for service in OURS.values():
        assert service["image"] == f"txhub:{__version__}"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"]
        assert service["user"] == "10001:10001"
        assert service["depends_on"]
    dockerfile = (CHECKOUT / "compose" / "Dockerfile").read_text()
    assert "useradd --create-home --uid 10001 txhub" in dockerfile
    assert "\nUSER txhub\n" in dockerfile
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_service_is_limited_restarted_and_stops_in_time() -> None:
    for name, service in SERVICES.items():
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory"}, name
        assert service["restart"] == ("on-failure" if name == "migrate" else "unless-stopped")
        assert service["logging"]["options"]["max-size"]
    for service in OURS.values():
        assert service["stop_grace_period"] == "15s"
    for name in ("db", "ingester", "worker", "api"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_images_are_pinned() -> None:
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-pg\d+)?", service["image"])


def test_volumes_and_files_are_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (CHECKOUT / source).is_file()
            else:
                assert source in COMPOSE["volumes"]
    assert "database:/var/lib/postgresql" in SERVICES["db"]["volumes"]


def test_services_read_their_secrets_from_files() -> None:
    for service in LASTING.values():
        used = [each["source"] if isinstance(each, dict) else each for each in service.get("secrets", [])]
        assert set(used) <= set(COMPOSE["secrets"])
        given = service.get("environment", {})
        assert not [name for name in given if name.endswith(("_PASSWORD", "_URL", "_TOKEN", "_KEY"))]
    # Each has its own role's, and nobody else's; the migration is done as the owner.
    given_to = {name: service["secrets"] for name, service in OURS.items()}
    assert given_to == {
        name: [{"source": f"{whose}_url", "target": "txhub_database_url"}]
        for name, whose in {"migrate": "database", "ingester": "ingest", "worker": "worker", "api": "api"}.items()
    }
    assert "database_url" in Settings.model_fields
    assert Path("/run/secrets") == SECRETS
    ignored = (CHECKOUT / ".gitignore").read_text() + (CHECKOUT / ".dockerignore").read_text()
    assert ignored.count("compose/secrets") == 2


def test_settings_of_services_exist() -> None:
    names = [
        name
        for each in (COMPOSE, OVERRIDE)
        for service in each["services"].values()
        for name in service.get("environment", {})
        if name.startswith("TXHUB_")
    ]
    assert names
    assert all(name.removeprefix("TXHUB_").split("__")[0].lower() in Settings.model_fields for name in names)


def test_the_override_changes_services_that_there_are() -> None:
    assert set(OVERRIDE["services"]) - {"node"} <= set(SERVICES)
    assert "compose.override.yaml" in (CHECKOUT / ".gitignore").read_text()
