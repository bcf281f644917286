"""The pages in Chinese: their punctuation, and that they show what the English ones show."""

from __future__ import annotations

import re

import pytest
from docs.pages import CHINESE, ROOT, blocks_of

HAN = r"[\u4e00-\u9fff]"
END = r"[\u4e00-\u9fff\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff09\u201d]"
TWINS = [page for page in CHINESE if page.parent.name == "zh" and page.name != "index.md"]


def prose_of(text: str) -> str:
    """Return a page without code, and with the words of links alone."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->", "", text)
    text = re.sub(r"`[^`\n]*`", "code", text)
    return re.sub(r"!?\[([^\]]*)\]\([^)\s]*\)", r"\1", text)


def headings_of(text: str) -> list[str]:
    """Return the level of every heading of a page."""
    return re.findall(r"^(#+) ", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)


def test_there_are_pages_in_chinese():
    assert {page.name for page in CHINESE} >= {"README.zh.md", "index.md", "explained.md"}


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.name)
def test_chinese_words_have_chinese_punctuation(page):
    prose = prose_of(page.read_text(encoding="utf-8")).replace("**", "")
    assert re.search(HAN, prose)
    wrong = re.findall(rf".{{0,12}}(?:{HAN}[,.:;!?()\"]|[,.:;!?()\"]{HAN}).{{0,12}}", prose)
    assert wrong == []


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.name)
def test_a_paragraph_in_chinese_is_one_line(page):
    """A browser shows the end of a line as a space, of which Chinese has none between words."""
    prose = prose_of(page.read_text(encoding="utf-8"))
    assert re.findall(rf".*{END}\n(?:{HAN}|\u201c|\w).*", prose) == []


@pytest.mark.parametrize("page", TWINS, ids=lambda page: page.name)
def test_a_page_has_the_headings_code_and_pictures_of_its_english_twin(page):
    twin = ROOT / "docs" / page.name
    chinese, english = page.read_text(encoding="utf-8"), twin.read_text(encoding="utf-8")
    assert headings_of(chinese) == headings_of(english)
    assert [(b.language, b.mark, b.text) for b in blocks_of(page)] == [
        (b.language, b.mark, b.text) for b in blocks_of(twin)
    ]
    pictures = re.findall(r"!\[[^\]]*\]\((?:\.\./)?(images/[^)]+)\)", english)
    assert re.findall(r"!\[[^\]]*\]\(\.\./(images/[^)]+)\)", chinese) == pictures


def test_the_readme_in_chinese_shows_the_commands_of_the_english_one():
    english = [(b.language, b.text) for b in blocks_of(ROOT / "README.md")]
    chinese = [(b.language, b.text) for b in blocks_of(ROOT / "README.zh.md")]
    assert chinese
    assert [block for block in chinese if block not in english] == []
