"""`/schema`: the OpenAPI document as a page, without scripts, and with nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get

DOCUMENT = "/schema/openapi.json"
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font-size: .95em; }
pre { overflow-x: auto; font-size: .85em; }
section { border-top: 1px solid #8886; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8883; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
"""What the page may load: its own style, and nothing else."""


@get("/schema", include_in_schema=False, media_type=MediaType.HTML)
async def page(request: Request[Any, Any, Any]) -> Response[str]:
    """Show every operation with its parameters and answers."""
    document = request.app.openapi_schema.to_schema()
    return Response(_page(document), headers={"Content-Security-Policy": POLICY})


def _page(document: Mapping[str, Any]) -> str:
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    operations = "".join(
        part
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for part in _operation(method, path, operation)
    )
    return (
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{title}: the API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1><p>{_prose(info['description'])}</p>"
        f'<p>For machines: <a href="{DOCUMENT}">{DOCUMENT}</a></p>{operations}</body></html>'
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<section><h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
    yield f"<h3>{escape(operation.get('summary') or '')}</h3><p>{_prose(operation.get('description') or '')}</p>"
    parameters = operation.get("parameters") or []
    if parameters:
        yield "<table><tr><th>Parameter</th><th>Meaning</th><th>Example</th></tr>"
        for parameter in parameters:
            yield f"<tr><td><code>{escape(parameter['name'])}</code></td>"
            yield f"<td>{_prose(parameter.get('description') or '')}</td><td>{_example(parameter)}</td></tr>"
        yield "</table>"
    yield "<table><tr><th>Answer</th><th>Meaning</th><th>As</th></tr>"
    for status, answer in sorted(operation["responses"].items()):
        types = ", ".join(f"<code>{escape(name)}</code>" for name in answer.get("content") or {})
        yield f"<tr><td>{escape(status)}</td><td>{_prose(answer['description'])}</td><td>{types}</td></tr>"
    yield "</table>"
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from _shown(answer.get("content") or {})
    yield "</section>"


def _shown(content: Mapping[str, Any]) -> Iterator[str]:
    """What was asked and answered, to be unfolded."""
    for media_type, body in content.items():
        for example in (body.get("examples") or {}).values():
            value = example["value"]
            text = value if isinstance(value, str) else msgspec.json.format(value, indent=2).decode()
            yield f"<details><summary><code>{escape(example['summary'])}</code> as <code>{escape(media_type)}</code>"
            yield f"</summary><pre>{escape(text)}</pre></details>"


def _example(parameter: Mapping[str, Any]) -> str:
    examples = (parameter.get("schema") or {}).get("examples") or []
    texts = [",".join(each) if isinstance(each, list) else str(each) for each in examples]
    return ", ".join(f"<code>{escape(each)}</code>" for each in texts)


def _prose(text: str) -> str:
    """Text with `code` in it."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
