"""The pages of the documentation and their fenced blocks; `test_docs.py` says what marks and names of blocks mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHINESE = [ROOT / "README.zh.md", *sorted((ROOT / "docs" / "zh").glob("*.md"))]
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *CHINESE,
]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    @property
    def name(self) -> str:
        """The file that it is, or an empty text."""
        first = self.text.splitlines()[0] if self.text.strip() else ""
        match = re.fullmatch(r"# (\S+\.(?:toml|py))", first)
        return match[1] if match else ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    found, mark, start, language, body = [], "", 0, "", []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if start:
            if line == "```":
                found.append(Block(page, start, language, "\n".join(body) + "\n", mark))
                mark, start = "", 0
            else:
                body.append(line)
        elif fence := re.fullmatch(r"```(\w*)", line):
            start, language, body = number, fence[1], []
        elif comment := re.fullmatch(r"<!-- test: (.+) -->", line):
            mark = comment[1]
        elif line.strip():
            mark = ""
    assert not start, f"{page.name}:{start}: the block has no end"
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def wanted(language: str, *, files: bool | None = None) -> list[Block]:
    return [
        block
        for block in BLOCKS
        if block.language == language
        and not block.mark.startswith("skip")
        and (files is None or files == bool(block.name))
    ]
