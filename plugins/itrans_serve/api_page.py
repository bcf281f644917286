"""The page `/docs`: the API as plain HTML, made of its OpenAPI description. It loads nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: the API</title>
<link rel="icon" href="/page/icon.svg">
<link rel="stylesheet" href="/page/style.css">
</head>
<body>
<header class="top">
<a class="brand" href="/"><img src="/page/icon.svg" alt="" width="28" height="28">itrans</a>
<a class="link" href="/openapi.json">openapi.json</a>
</header>
<main class="text">
<h1>The API</h1>
<p>Errors are JSON, <code>{{"detail": "..."}}</code>. Several outputs come as a ZIP.</p>
{operations}
</main>
</body>
</html>
"""


def api_page(description: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI description."""
    operations = [
        _operation(method.upper(), path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return _PAGE.format(title=escape(description["info"]["title"]), operations="\n".join(operations))


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"<h2><code>{method} {escape(path)}</code></h2>"]
    parts += [f"<p>{escape(text)}</p>" for text in operation.get("description", "").split("\n\n")]
    if body := operation.get("requestBody"):
        parts.append(f"<p>Body: {', '.join(f'<code>{escape(kind)}</code>' for kind in body['content'])}</p>")
    if parameters := operation.get("parameters"):
        rows = [_parameter(parameter) for parameter in parameters]
        parts.append(_table(("query", "values", "default", "meaning"), rows))
    answers = [
        (f"<code>{code}</code>", escape(answer["description"])) for code, answer in operation["responses"].items()
    ]
    parts.append(_table(("status", "meaning"), answers))
    return f"<section>{''.join(parts)}</section>"


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = schema.get("default")
    shown = "" if default is None else f"<code>{escape(str(default).lower())}</code>"
    return (
        f"<code>{escape(parameter['name'])}</code>",
        escape(_values(schema)),
        shown,
        escape(parameter.get("description", "")),
    )


def _values(schema: Mapping[str, Any]) -> str:
    """Return what a parameter may be, in a few words."""
    if "anyOf" in schema:
        return _values(next(one for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema:
        return " or ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"{_values(schema['items'])}; may be repeated"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    text = words.get(schema.get("type", ""), "")
    if "minimum" in schema and "maximum" in schema:
        return f"{text}, {schema['minimum']} to {schema['maximum']}"
    return f"{text}, {schema['minimum']} or more" if "minimum" in schema else text


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
