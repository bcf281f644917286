"""A TOML file together with the line on which each of its keys stands."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from itrans.errors import Problem, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys of tables and positions in arrays."""

Where: TypeAlias = "Callable[[KeyPath], tuple[str, str]]"
"""Tells where a value stands, `file:line` or `--set key=value`, and its dotted key there."""

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

_MOST_BYTES = 1_000_000
MOST_LEVELS = 16
"""Of tables and lists within one another: enough for any component, and few enough for all that recurses."""

_DEEP_KEY = re.compile(rf"[\s\[]*(?:{_KEY.pattern})(?:\s*\.\s*(?:{_KEY.pattern})){{{MOST_LEVELS}}}")
_DOTTED_RUN = re.compile(r"""[\w"'-]++(?:[ \t]*+\.[ \t]*+[\w"'-]++)*+""")
_MOST_DOTS = 1000
TOO_DEEP = f"Tables and lists are nested too deeply here: more than {MOST_LEVELS} within one another."
TOO_LARGE = "A whole number is too large here: TOML's have 64 bits."


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

    def place(self, key: KeyPath) -> tuple[str, str]:
        """Return where a key stands, and the key with dots."""
        return self.where(key), ".".join(map(str, key))


def read_document(path: str | os.PathLike[str]) -> Document:
    """Read a TOML file.

    Raises:
        RecipeError: the file is missing, is a folder, cannot be read, or is not TOML; the message names file and line.
    """
    path = Path(path)
    text = _text(path)
    for line, statement in enumerate(text.split("\n"), start=1):
        if statement.count(".") >= MOST_LEVELS and _is_too_deep(statement):
            raise RecipeError(Problem(f"{path}:{line}", "", TOO_DEEP))
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(_syntax_problem(path, text, str(error))) from None
    except RecursionError:
        raise RecipeError(Problem(str(path), "", TOO_DEEP)) from None
    except ValueError:  # of int(), which refuses to read thousands of digits
        digits = re.search(r"[0-9_]{4000}", text)
        line = text.count("\n", 0, digits.start() if digits else 0) + 1
        raise RecipeError(Problem(f"{path}:{line}", "", TOO_LARGE)) from None
    fault = value_fault(data)
    if fault and fault[1] == TOO_DEEP:
        raise RecipeError(Problem(str(path), *fault))
    document = Document(path, data, dict(_key_lines(text)))
    if fault:
        key = tuple(int(part) if part.isdecimal() else part for part in fault[0].split("."))
        raise RecipeError(Problem(document.where(key), *fault))
    return document


def document_of(tables: Mapping[str, Any]) -> Document:
    """Return the document of a recipe's tables; its paths are taken from the current folder.

    Raises:
        RecipeError: it holds what no recipe can hold.
    """
    document = Document(Path("recipe"), plain(tables), {})
    if fault := value_fault(document.data):
        raise RecipeError(Problem("recipe", *fault))
    return document


def plain(value: Any) -> Any:
    """Return a value of Python as TOML has it: paths are texts, NumPy's numbers numbers, tuples lists."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.item() if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0 else value


def assigned_value(text: str, place: str) -> Any:
    """Return the value that a text stands for: TOML, or else the text; raises `RecipeError`, which names the place."""
    try:
        found = tomllib.loads(f"value = {text}")
        value = found["value"] if len(found) == 1 else text
    except tomllib.TOMLDecodeError:
        value = text
        if text[:1] == text[-1:] == '"' and (hint := backslash_hint(text)):
            raise RecipeError(Problem(place, "", hint.strip())) from None
    except RecursionError:
        raise RecipeError(Problem(place, "", TOO_DEEP)) from None
    except ValueError:  # of int(), which refuses to read thousands of digits
        raise RecipeError(Problem(place, "", TOO_LARGE)) from None
    if fault := value_fault(value):
        raise RecipeError(Problem(place, *fault))
    return value


def value_fault(value: object) -> tuple[str, str] | None:
    """Return the dotted key and a message of what in a recipe's values no recipe can hold; None if nothing is."""
    waiting: list[tuple[tuple[str, ...], object]] = [((), value)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict | list):
            if len(key) >= MOST_LEVELS:
                return ".".join(key[:2]), TOO_DEEP
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [((*key, str(name)), inner) for name, inner in items]
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            return ".".join(key), TOO_LARGE
    return None


def _is_too_deep(line: str) -> bool:
    """Whether a line begins with a key of too many parts, or has one within it that no text could be taken for.

    The parser would take time with the square of its parts.
    """
    return bool(_DEEP_KEY.match(line)) or any(run[0].count(".") > _MOST_DOTS for run in _DOTTED_RUN.finditer(line))


def _text(path: Path) -> str:
    """Return a recipe's text, with line ends of this system."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            if len(content) <= _MOST_BYTES:
                text = content.decode("utf-8-sig")  # some editors put a byte order mark first
                return text.replace("\r\n", "\n").replace("\r", "\n")
            message = "This file is larger than 1 MB, as no recipe is. A recipe is a TOML file."
        else:
            what = "a folder" if stat.S_ISDIR(kind) else "a pipe or a device, not a file"
            message = f"This is {what}. A recipe is a TOML file."
    except FileNotFoundError:
        message = "There is no such file. A recipe is a TOML file; itrans init lists those that come with itrans."
    except UnicodeDecodeError as error:
        message = f"This is not a text file in UTF-8 (byte {error.start}). A recipe is a TOML file."
    except OSError as error:
        message = f"The file cannot be read: {error.strerror or error}."
    except ValueError:  # of the operating system's calls, for a NUL
        message = "No file can have this name. A recipe is a TOML file."
    raise RecipeError(Problem(str(path), "", message))


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
    there = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
    return Problem(f"{path}:{line}", "", f"This is not TOML: {reason}.{backslash_hint(there)}")


def backslash_hint(text: str) -> str:
    """Return what to write instead if the text may have a Windows path in double quotes, and else nothing."""
    if not re.search(r'"[^"]*\\', text):
        return ""
    return " In double quotes a backslash begins an escape: write a path in single quotes ('C:\\pictures'), or with /."


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
