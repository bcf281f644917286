"""A TOML file together with the line on which each of its keys stands."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from itrans.errors import Problem, RecipeError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys of tables and positions in arrays."""

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""'
    r"|'''.*?'''"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]",
    re.DOTALL,
)
_KEY = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|[A-Za-z0-9_-]+')
_DOTTED_KEY = re.compile(rf"\s*(?:{_KEY.pattern})(?:\s*\.\s*(?:{_KEY.pattern}))*")


@dataclass(frozen=True)
class Document:
    """A TOML file that has been read.

    Attributes:
        path: the file.
        data: its content.
        lines: the line (from 1) of each key and table header.
    """

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def where(self, key: KeyPath) -> str:
        """Return `file:line` of a key, or of the nearest table around it."""
        for length in range(len(key), 0, -1):
            if line := self.lines.get(key[:length]):
                return f"{self.path}:{line}"
        return str(self.path)


def read_document(path: str | os.PathLike[str]) -> Document:
    """Read a TOML file.

    Raises:
        RecipeError: the file is missing, is a folder, cannot be read, or is not TOML; the message names file and line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a byte order mark first
    except FileNotFoundError:
        raise RecipeError(Problem(str(path), "", "There is no such file. A recipe is a TOML file.")) from None
    except IsADirectoryError:
        raise RecipeError(Problem(str(path), "", "This is a folder. A recipe is a TOML file.")) from None
    except UnicodeDecodeError as error:
        message = f"This is not a text file in UTF-8 (byte {error.start}). A recipe is a TOML file."
        raise RecipeError(Problem(str(path), "", message)) from None
    except OSError as error:
        raise RecipeError(Problem(str(path), "", f"The file cannot be read: {error.strerror}.")) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(_syntax_problem(path, text, str(error))) from None
    return Document(path, data, dict(_key_lines(text)))


def parse_key(text: str) -> tuple[str, ...]:
    """Return the parts of a dotted key; quotes protect dots.

    Raises:
        ValueError: the text is not a dotted key.
    """
    if not _DOTTED_KEY.fullmatch(text.rstrip()):
        raise ValueError(text)
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in _KEY.findall(text))


def _syntax_problem(path: Path, text: str, message: str) -> Problem:
    place = re.search(r"\(at line (\d+), column (\d+)\)|\(at end of document\)", message)
    line = int(place[1]) if place and place[1] else max(1, len(text.splitlines()))
    reason = message[: place.start()].strip() if place else message
    return Problem(f"{path}:{line}", "", f"This is not TOML: {reason}.")


def _key_lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    table: KeyPath = ()
    array_lengths: dict[KeyPath, int] = {}
    for line, statement in _statements(text):
        header = re.match(r"\s*(\[\[?)", statement)
        match = _DOTTED_KEY.match(statement, header.end() if header else 0)
        if match is None:
            continue
        keys = parse_key(match[0])
        if header:
            table = ()
            for key in keys[:-1]:
                table = _inside((*table, key), array_lengths)
            table = (*table, keys[-1])
            if header[1] == "[[":
                array_lengths[table] = array_lengths.get(table, 0) + 1
                yield table, line
                table = _inside(table, array_lengths)
            yield table, line
        else:
            for length in range(1, len(keys) + 1):
                yield (*table, *keys[:length]), line


def _inside(table: KeyPath, array_lengths: dict[KeyPath, int]) -> KeyPath:
    return (*table, array_lengths[table] - 1) if table in array_lengths else table


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each table header and each `key = value`, which may go on over several lines."""
    depth, start, line, first_line = 0, 0, 1, 1
    for token in _TOKEN.finditer(text + "\n"):
        symbol = token[0]
        if symbol in "[{":
            depth += 1
        elif symbol in "]}":
            depth -= 1
        elif symbol == "\n" and depth <= 0:
            yield first_line, text[start : token.start()]
            start, first_line = token.end(), line + 1
        line += symbol.count("\n")
