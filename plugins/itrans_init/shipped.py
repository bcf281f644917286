"""The recipes that come with itrans."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import OutputError
from itrans.commands import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent
_PLACES = (_HERE / "recipes", _HERE.parents[1] / "recipes")
"""In an installed package, and in a checkout."""


def recipes() -> dict[str, Path]:
    """Return the files of all recipes by their names, such as `pix2pix_facades` and `lineage/l1`."""
    folder = next((place for place in _PLACES if place.is_dir()), _HERE)
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.toml"))}


def titles() -> list[tuple[str, str]]:
    """Return the name and the title of each recipe."""
    return [(name, _title(path)) for name, path in recipes().items()]


def write(name: str, output: Path) -> list[Path]:
    """Write a recipe, and the recipes that it extends beside it, and return the files.

    Raises:
        OutputError: one of them is there already, or cannot be written.
    """
    path = recipes()[name]
    files = {output: path, **{output.parent / place.name: place for place in _extended(path)}}
    for target in files:
        if target.exists():
            raise OutputError(f"{target} already exists. Move it away, or choose another folder: -o DIR/{output.name}")
    for target, source in files.items():
        text = source.read_text(encoding="utf-8")
        if base := tomllib.loads(text).get("extends"):
            text = text.replace(f'extends = "{base}"', f'extends = "{Path(base).name}"')
        with replacing(target) as file:
            file.write(text.encode("utf-8"))
    return list(files)


def _extended(path: Path) -> Iterator[Path]:
    base = tomllib.loads(path.read_text(encoding="utf-8")).get("extends")
    if base is not None:
        yield path.parent / base
        yield from _extended(path.parent / base)


def _title(path: Path) -> str:
    return str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", ""))
