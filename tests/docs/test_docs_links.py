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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in links_of(page):
        if re.match(r"https?://", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.is_file(), f"{page.name}: {link} leads nowhere"
        if page.parent.name == "docs":
            assert path.is_relative_to(ROOT / "docs"), f"{page.name}: {link} leads out of the site"
        assert not anchor or anchor in anchors_of(path), f"{page.name}: {link} has no such heading"


def test_the_site_has_all_pages():
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert [name for entry in site["nav"] for name in entry.values()] == [
        "index.md",
        "start.md",
        "init.md",
        "recipes.md",
        "data.md",
        "prepare.md",
        "labels.md",
        "experiments.md",
        "tables.md",
        "pix2pix.md",
        "explained.md",
        "zh/explained.md",
        "timm.md",
        "spandrel.md",
        "spandrel_arguments.md",
        "cyclegan.md",
        "cut.md",
        "bridge.md",
        "stargan.md",
        "pix2pixhd.md",
        "bicycle.md",
        "spade.md",
        "cgan.md",
        "super-resolution.md",
        "first-plugin.md",
        "plugins.md",
        "generator.md",
        "discriminator.md",
        "loss.md",
        "dataset.md",
        "method.md",
        "conditions.md",
        "transform.md",
        "metric.md",
        "tracker.md",
        "records.md",
        "testing.md",
        "publishing.md",
        "checkpoints.md",
        "inference.md",
        "export.md",
        "python.md",
        "serve.md",
        "evaluate.md",
        "sweep.md",
        "report.md",
        "inspect.md",
        "import.md",
        "clusters.md",
        "performance.md",
        "house.md",
        "api.md",
    ]
    assert {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} == {
        name for entry in site["nav"] for name in entry.values()
    }
