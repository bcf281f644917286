"""HTML files with all that they need in them, and the look that they share."""

from __future__ import annotations

import html
import importlib.resources
import re


def still_page(title: str, body: str, styles: str = "") -> bytes:
    """Return a page without scripts, as HTML in UTF-8; `body` is HTML, `styles` is CSS besides that of all pages."""
    parts = {"title": html.escape(title), "styles": f"{template('page.css')}\n{styles}", "body": body}
    return filled("still.html", parts)


def filled(name: str, parts: dict[str, str]) -> bytes:
    """Return a template with its parts, which `{{their names}}` stand for, in UTF-8."""
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template(name))
    return page.encode("utf-8", "replace")


def template(name: str) -> str:
    """Return the text of a template of this package."""
    return (importlib.resources.files("itrans_report") / "templates" / name).read_text(encoding="utf-8")
