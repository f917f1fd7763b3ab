"""The interface as one page that loads nothing: no script, no style sheet, no address of somebody else's."""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1.5em; color: #1b2733; }
h2 { font-size: 1.05em; margin: 2.2em 0 .3em; border-top: 1px solid #d5dce2; padding-top: 1em; }
h3 { font-size: 1em; margin: 1.6em 0 .3em; }
code { font: .92em ui-monospace, monospace; background: #f3f6f8; padding: .1em .3em; border-radius: 3px; }
table { border-collapse: collapse; width: 100%; font-size: .94em; }
td { border-top: 1px solid #e7ecf0; padding: .25em .8em .25em 0; vertical-align: top; }
td:first-child { width: 16em; } a { color: #0b4f8a; } i { color: #56646f; font-style: normal; }
@media (prefers-color-scheme: dark) { body { background: #131a20; color: #e8edf1; } code { background: #1b242c; }
  h2, td { border-color: #33414d; } a { color: #7db8ea; } i { color: #a3b0ba; } }
"""
_MARKED = re.compile(r"`([^`]+)`")


def docs_page(openapi: Mapping[str, Any]) -> str:
    """The interface as a page: what one can ask, with what, what may come back, and of what that consists."""
    info = openapi["info"]
    title = html.escape(f"{info['title']} {info['version']}")
    operations = "".join(_operations(openapi.get("paths", {})))
    shapes = "".join(_shapes(openapi.get("components", {}).get("schemas", {})))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>{_words(info.get('description', ''))}</p>"
        f'<p>For programs: <a href="openapi.json">openapi.json</a>.</p>{operations}<h2>Shapes</h2>{shapes}</html>'
    )


def _operations(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>"
            yield f"<p>{_words(operation.get('description') or operation.get('summary', ''))}</p><table>"
            for parameter in operation.get("parameters", []):
                must = "" if parameter.get("required") else ", optional"
                yield _row(parameter["name"], f"{parameter['in']}{must}", _words(parameter.get("description", "")))
            if "requestBody" in operation:
                yield _row("body", "", _of_media(operation["requestBody"]))
            for status, response in operation["responses"].items():
                about = response.get("description", "").replace("Successful Response", "")
                yield _row(status, "", f"{_words(about)} {_of_media(response)}")
            yield "</table>"


def _shapes(schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, schema in schemas.items():
        shape = html.escape(name)
        yield f'<h3 id="{shape}"><code>{shape}</code></h3><p>{_words(schema.get("description", ""))}</p>'
        if "enum" in schema:
            yield f"<p>{', '.join(f'<code>{html.escape(str(value))}</code>' for value in schema['enum'])}</p>"
        needed = schema.get("required", ())
        rows = [
            _row(
                field, "" if field in needed else "optional", f"{_type(about)}. {_words(about.get('description', ''))}"
            )
            for field, about in schema.get("properties", {}).items()
        ]
        yield f"<table>{''.join(rows)}</table>"


def _row(name: str, remark: str, about: str) -> str:
    return f"<tr><td><code>{html.escape(name)}</code> <i>{remark}</i><td>{about}"


def _words(text: str) -> str:
    return _MARKED.sub(r"<code>\1</code>", html.escape(text))


def _of_media(part: Mapping[str, Any]) -> str:
    media = part.get("content", {})
    return ", ".join(_type(content.get("schema", {})) or html.escape(name) for name, content in media.items())


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words; one with a name is a link to it."""
    if "$ref" in schema:
        name = html.escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    kind = html.escape(str(schema.get("format") or schema.get("const") or schema.get("type", "")))
    return f"list of {_type(schema['items'])}" if kind == "array" and "items" in schema else kind
