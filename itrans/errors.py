"""What can go wrong, said so that a user can mend it.

Every error that a user can cause is an `ItransError`: its text is the whole message, and the command line prints it
without a traceback and exits with `exit_code`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class ItransError(Exception):
    """Something that the user gave is wrong. The text says what, where, and what to do.

    Attributes:
        exit_code: what the command line exits with: 2 for what was given, 1 for what happened on the way.
    """

    exit_code = 2


class PluginError(ItransError):
    """A component is unknown, ambiguous, broken, or made for a newer itrans."""


class LibraryError(PluginError):
    """A library that itrans uses is installed, and does not work here."""


class DataError(ItransError):
    """A data set, a folder or a picture is not what it should be."""


class MissingSplitError(DataError):
    """A data set has no such split. Training goes on without validation if it is `val` that is missing."""


class CheckpointError(ItransError):
    """A checkpoint is missing, truncated, foreign, newer than this itrans, or does not fit."""


class DeviceError(ItransError):
    """A device or a precision is asked for that this machine does not have."""


class OutputError(ItransError):
    """A result cannot be written where it was asked for."""


class RoomError(ItransError):
    """There is not enough memory."""

    exit_code = 1


class TrainingError(ItransError):
    """Training cannot go on, for example because a loss is no longer finite."""

    exit_code = 1


_MOST_OF_A_KEY = 300
_MOST_OF_AN_ERROR = 2000
_LONG_WORD = re.compile(r"(\S{400})\S+")


@dataclass(frozen=True)
class Problem:
    """One fault of a recipe.

    Attributes:
        where: `file:line` or, for an override, `--set key=value`.
        key: the dotted key, for example `generator.filters`; empty for the file as a whole.
        message: what is wrong and what to do, one or more lines.
    """

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        head = "  ".join(shortened(part, _MOST_OF_A_KEY) for part in (self.where, self.key) if part)
        return legible("\n".join([head, *(f"  {shortened(line)}" for line in self.message.split("\n"))]))


class RecipeError(ItransError):
    """One or more faults of a recipe, all of them at once.

    Attributes:
        problems: the faults, in the order of the file.
    """

    def __init__(self, problems: Sequence[Problem] | Problem) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def printable(text: str) -> str:
    """Return a text without control characters, which a package's metadata may hold to fool a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def error_text(error: BaseException) -> str:
    """Return an error's type and message, as short and as printable as an error of one's own."""
    try:
        text = str(error)
    except BaseException:  # raised by the message of somebody else's exception
        text = "(its message cannot be read)"
    lines = f"{type(error).__name__}: {text}"[:_MOST_OF_AN_ERROR].removesuffix(": ").splitlines()
    return "\n".join(printable(line) for line in lines)


def legible(text: str) -> str:
    """Return a message as a terminal can show it.

    Characters, but line ends, that would not show or would drive the terminal become escapes; among them are the
    surrogates that stand for a file name's bytes where they are no UTF-8. Words of thousands of characters are cut.
    """
    text = _LONG_WORD.sub(r"\1...", text)
    if text.replace("\n", " ").isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else character.encode("unicode_escape").decode()
        for character in text
    )


def shortened(text: str, most: int = 2000) -> str:
    """Return a text as it is if it is not longer than so many characters, else its beginning and three dots."""
    return text if len(text) <= most else f"{text[:most]}..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "..."?` with the nearest of the known names, or an empty string where none is near."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    if not near:
        return ""
    return f" Did you mean {' or '.join(quoted(near))}?"


def quoted(names: Iterable[str]) -> list[str]:
    """Return the names, each in double quotes."""
    return [f'"{name}"' for name in names]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 channel`, `2 channels`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
