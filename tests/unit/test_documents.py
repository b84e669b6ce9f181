"""Whatever a document names is there: files, headings, tests, settings, routes, metrics, targets of make."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute
from pydantic import BaseModel

from dashboards.app import create_app as create_dashboard
from tests.unit.test_documented_commands import CHECKOUT, code
from txhub.api.app import create_app
from txhub.config import ChainSettings, ChannelSettings, Settings
from txhub.store.analyst import ANALYST, LANE
from txhub.store.roles import SERVICES

DOCUMENTS = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(CHECKOUT / folder / "README.md" for folder in ("sql", "dashboards")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
TABLES: dict[str, type[BaseModel]] = {"chains": ChainSettings, "channels": ChannelSettings}
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_METRICS = set(re.findall(r"^\| `(txhub_\w+)`", (CHECKOUT / "docs" / "metrics.md").read_text(), re.MULTILINE))
_OTHER_WORDS = {ANALYST, LANE, *SERVICES, "txhub_rollup", "txhub_access", "txhub_events", "txhub_database_url"}
"""What begins like a metric and is none: roles, schemas, a channel, a secret's file."""


def names(documents: list[Path]) -> list[str]:
    return [str(path.relative_to(CHECKOUT)) for path in documents]


def anchors(document: Path) -> set[str]:
    """What one can link to in a document: its headings, as they are shown, and rows that are named."""
    text = document.read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return set(re.findall(r'<a id="([^"]+)"></a>', text)) | {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text()):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_files_and_tests_that_are_named_exist(document: Path) -> None:
    for words in code(document):
        for path, test in re.findall(r"\b((?:tests|src|sql|compose|docs)/[\w/.*-]+)(?:::(\w+))?", words):
            found = list(CHECKOUT.glob(path.rstrip("./")))
            assert found, path
            assert not test or f"def {test}(" in found[0].read_text(), f"{path}::{test}"


def test_files_of_the_dashboard_that_its_readme_names_exist() -> None:
    folder = CHECKOUT / "dashboards"
    paths = {
        path
        for words in code(folder / "README.md")
        for path in re.findall(r"(?<![\w/])(?:[a-z]+/)*[a-z]+\.(?:py|css|js)\b", words)
        if not path.startswith("tests/")
    }
    assert len(paths) > 10
    assert [path for path in sorted(paths) if not list(folder.rglob(path))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_settings_that_are_named_exist(document: Path) -> None:
    for name in re.findall(r"\bTXHUB_([A-Z_]+[A-Z])\b", document.read_text()):
        if name.startswith("TEST_"):
            continue
        setting, _, rest = name.lower().partition("__")
        assert setting in Settings.model_fields, name
        if rest:
            assert rest.rpartition("__")[2] in TABLES[setting].model_fields, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=names(DOCUMENTS))
def test_metrics_that_are_named_exist(document: Path) -> None:
    for words in code(document):
        for name in re.findall(r"(?<![\w/.])txhub_[a-z_]+\b(?!\.)", words):
            assert name in _METRICS | _OTHER_WORDS, name


def test_routes_that_are_named_exist() -> None:
    app = create_app("postgresql://127.0.0.1:1/nobody", Settings())
    served = {re.sub(r"\{[^}]*\}", "*", route.path_format) for route in app.routes}
    pages = create_dashboard("http://127.0.0.1:1")
    served |= {route.path for route in pages.routes if isinstance(route, APIRoute)}
    for document in DOCUMENTS:
        for words in code(document):
            for path in re.findall(r"\b(?:GET|POST|PUT|PATCH|DELETE) (/[\w/{}-]+)", words):
                shape = re.sub(r"\{[^}]*\}", "*", path)
                wanted = [route for route in served if re.fullmatch(re.escape(route).replace(r"\*", "[^/]+"), shape)]
                assert wanted or shape in served, f"{document.name}: {path}"


def test_the_threats_each_have_a_test() -> None:
    text = (CHECKOUT / "docs" / "security.md").read_text()
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", text.partition("## Threats")[2], re.MULTILINE)[2:]
    assert len(rows) > 15
    assert [threat for threat, _, held in rows if "`tests/" not in held] == []


def test_the_workflow_and_the_hooks_run_what_there_is() -> None:
    workflow: dict[str, Any] = yaml.safe_load((CHECKOUT / ".github" / "workflows" / "test.yml").read_text())
    targets = re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    steps = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert set(workflow["jobs"]) == {"lint", "plain", "timescale"}
    assert {"make lint", ".ci/run", "make test"} <= set(steps)
    assert all(step.split()[1] in targets for step in steps if step.startswith("make "))
    hooks = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        for word in hook["entry"].split():
            assert not word.startswith("tests/") or (CHECKOUT / word).is_file()
