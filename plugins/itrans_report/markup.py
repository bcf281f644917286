"""HTML files with all that they need in them, and the look that they share."""

from __future__ import annotations

import html
import importlib.resources
import re
from typing import TYPE_CHECKING

from itrans.api import OutputError

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIXES = (".html", ".htm")


def check_name(output: Path) -> None:
    """Raise `OutputError` if a file's name is not that of a page, and so it may be a file of another kind."""
    if output.suffix.lower() not in _SUFFIXES:
        raise OutputError(f"-o {output} should end in .html, so that browsers show it as a page.")


def still_page(title: str, body: str, styles: str = "") -> bytes:
    """Return a page without scripts, as HTML in UTF-8; `body` is HTML, `styles` is CSS besides that of all pages."""
    return page(title, f"<main>\n{body}\n</main>", f"\n{styles}")


def page(title: str, body: str, styles: str = "", *, policy: str = "") -> bytes:
    """Return a page; `policy` is what its Content-Security-Policy allows besides pictures and styles in it."""
    parts = {"title": html.escape(title), "styles": template("page.css") + styles, "policy": policy, "body": body}
    return filled("page.html", parts).encode("utf-8", "replace")


def filled(name: str, parts: dict[str, str]) -> str:
    """Return a template with its parts, which `{{their names}}` stand for."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template(name))


def template(name: str) -> str:
    """Return the text of a template of this package."""
    return (importlib.resources.files("itrans_report") / "templates" / name).read_text(encoding="utf-8")
