"""`--vary KEY=VALUE,VALUE`: every combination of some values."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from itrans.api import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 1000
_MOST_OF_A_NAME = 150
_PART = re.compile(r"""\[[^\]]*\]|\{[^}]*\}|"[^"]*"|'[^']*'|[^,\[{"']+""")


def variants_of(options: Sequence[str]) -> list[list[str]]:
    """Return the overrides of each combination: `optimizer.lr=1e-4,2e-4` and `seed=1` make two lists of two.

    Args:
        options: as given with `--vary`; commas within brackets and quotes do not part values.

    Raises:
        DataError: an option is not of this form, a key is there twice, or there are too many combinations.
    """
    named: dict[str, list[str]] = {}
    for option in options:
        key, equals, text = (part.strip() for part in option.partition("="))
        values = ["".join(parts).strip() for parts in _split(text)]
        if not key or not equals or not all(values):
            raise DataError(f"--vary {option}: this should read KEY=VALUE,VALUE, such as optimizer.lr=1e-4,2e-4.")
        if key in named:
            raise DataError(f"--vary {option}: {key} varies already. Give all its values at once, with commas.")
        named[key] = list(dict.fromkeys(values))
    count = 1
    for values in named.values():
        count *= len(values)
    if count > _MOST:
        raise DataError(f"--vary asks for {count} combinations, and more than {_MOST} are too many.")
    return [
        [f"{key}={value}" for key, value in zip(named, chosen, strict=True)]
        for chosen in itertools.product(*named.values())
    ]


def folder_name(name: str, varied: Sequence[str]) -> str:
    """Return what a recipe's run with some overrides is called: `l1-optimizer.lr=1e-4`."""
    parts = [name, *(re.sub(r"[^\w.+=-]+", "_", override) for override in varied)]
    return "-".join(parts)[:_MOST_OF_A_NAME]


def _split(text: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    place = 0
    while place < len(text):
        part = _PART.match(text, place)
        if part is None:  # a comma, or a bracket that nobody closes
            if text[place] == ",":
                found.append([])
            else:
                found[-1].append(text[place])
            place += 1
        else:
            found[-1].append(part[0])
            place = part.end()
    return found
