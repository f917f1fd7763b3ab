"""The interface as one page that loads nothing: no script, no style sheet, no address of somebody else's."""

import html
from collections.abc import Iterator, Mapping
from typing import Any


def docs_page(openapi: Mapping[str, Any]) -> str:
    """The interface as a page: what one can ask, with what, and what may come back."""
    info = openapi["info"]
    title = html.escape(f"{info['title']} {info['version']}")
    operations = "".join(_operations(openapi.get("paths", {})))
    about = html.escape(info.get("description", ""))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<h1>{title}</h1><p>{about}</p>"
        f'<p>For programs: <a href="openapi.json">openapi.json</a>.</p>{operations}</html>'
    )


def _operations(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"
            yield f"<p>{html.escape(operation.get('description') or operation.get('summary', ''))}</p><ul>"
            for parameter in operation.get("parameters", []):
                must = "required" if parameter.get("required") else "optional"
                name, about = html.escape(parameter["name"]), html.escape(parameter.get("description", ""))
                yield f"<li><code>{name}</code> ({parameter['in']}, {must}) {about}"
            if "requestBody" in operation:
                yield f"<li>body: <code>{html.escape(_shape(operation['requestBody']))}</code>"
            for status, response in operation["responses"].items():
                about = html.escape(response.get("description", ""))
                yield f"<li>{status}: {about} <code>{html.escape(_shape(response))}</code>"
            yield "</ul>"


def _shape(part: Mapping[str, Any]) -> str:
    names = []
    for media, content in part.get("content", {}).items():
        schema = content.get("schema", {})
        names.append(schema.get("$ref", "").rpartition("/")[2] or schema.get("title") or schema.get("type") or media)
    return ", ".join(names)
