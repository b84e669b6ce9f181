"""The installed wheel works too: what it needs comes with it, and it runs from any folder."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import httpx
import pytest

from tests.commands import environment
from txhub import __version__
from txhub.ports import free_port, wait_for_port
from txhub.store.edition import Edition

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def edition() -> Edition:
    """The edition that every machine has: packing is the same for both."""
    return Edition.PLAIN


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment where the wheel is installed, beside the dependencies of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--disable-pip-version-check", str(wheel)], check=True)
    # A line of a .pth file lends packages, but not the .pth file through which the checkout itself is installed.
    [site_packages] = folder.glob("venv/lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_it_runs_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "txhub", "--version"], env=environment(), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"txhub {__version__}\n"
    assert list(tmp_path.iterdir()) == []


def test_its_files_are_its_own(installed: Path, tmp_path: Path) -> None:
    script = (
        "import dashboards, txhub.resources as r; print(r.resource('sql'), r.resource('alembic'), dashboards.__file__)"
    )
    done = subprocess.run(
        [installed / "python", "-c", script],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    for place in done.stdout.split():
        assert Path(place).is_relative_to(installed.parent)


def test_nothing_is_left_out(installed: Path) -> None:
    [site_packages] = installed.parent.glob("lib/python*/site-packages")
    wanted = {
        Path(there) / path.relative_to(CHECKOUT / here)
        for here, there in (
            ("src", "."),
            ("dashboards", "dashboards"),
            ("sql", "txhub/sql"),
            ("alembic", "txhub/alembic"),
        )
        for path in (CHECKOUT / here).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(wanted) > 100
    assert {path for path in wanted if not (site_packages / path).is_file()} == set()


def test_it_migrates_and_serves(installed: Path, empty_database: str, tmp_path: Path) -> None:
    env, port = environment(empty_database), free_port()
    subprocess.run([installed / "txhub", "db", "migrate"], env=env, cwd=tmp_path, check=True, capture_output=True)
    with subprocess.Popen([installed / "txhub", "serve", "--port", str(port)], env=env, cwd=tmp_path) as serving:
        try:
            wait_for_port(port, serving)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                assert client.get("/health/ready").json()["status"] == "ok"
                assert client.get("/assets/page.css").status_code == 200
        finally:
            serving.terminate()
