"""Links lead to pages, headings and pictures that are there, and the site has all pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from docs.pages import PAGES, ROOT


def links_of(page: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in links_of(page):
        if re.match(r"https?://", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.is_file(), f"{page.name}: {link} leads nowhere"
        if page.is_relative_to(ROOT / "docs"):
            assert path.is_relative_to(ROOT / "docs"), f"{page.name}: {link} leads out of the site"
        assert not anchor or anchor in anchors_of(path), f"{page.name}: {link} has no such heading"


def pages_of(entries: list[dict[str, object]]) -> list[tuple[str, str]]:
    """Return the titles and files of the pages of a part of the nav, groups opened."""
    found = []
    for entry in entries:
        for title, content in entry.items():
            found += pages_of(content) if isinstance(content, list) else [(title, content)]
    return found


def test_the_site_has_five_sections_with_every_page_once():
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert [title for section in nav for title in section] == [
        "Start",
        "Use",
        "Write a plugin",
        "What is in it",
        "Reference",
    ]
    titles, files = zip(*pages_of(nav), strict=True)
    assert files[0] == "index.md"
    assert len(set(titles)) == len(titles)
    assert sorted(name for name in files if name.endswith(".md")) == sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")
    )
    for title in titles:
        assert len(title) <= 28, f"{title}: too long for the sidebar"


def test_the_landing_page_leads_into_every_section():
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for section in nav:
        [(title, entries)] = section.items()
        line = re.search(rf"^- \*\*{title}\*\*: .+?(?=^- |^$)", page, flags=re.MULTILINE | re.DOTALL)
        assert line, f"index.md has no line for {title}"
        linked = re.findall(r"\]\(([^)#]+)", line[0])
        assert linked
        assert set(linked) <= {file for _, file in pages_of(entries)}, f"{title}: {linked}"
