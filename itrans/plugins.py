"""Which components are installed, read from entry points without importing any of them.

The only module that knows the `entrypoints` library.
"""

from __future__ import annotations

import configparser
import functools
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import entrypoints

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = {
    "generator": "itrans.generators",
    "discriminator": "itrans.discriminators",
    "loss": "itrans.losses",
    "dataset": "itrans.datasets",
    "method": "itrans.methods",
}
"""The entry-point group of every kind of component."""


@dataclass(frozen=True, order=True)
class Origin:
    """Where a component comes from.

    Attributes:
        kind: `generator`, `discriminator`, `loss`, `dataset` or `method`.
        name: what a recipe calls it.
        distribution: the distribution that brings it (the name `pip` knows).
        version: the version of that distribution.
        target: `module:attribute`.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str

    @property
    def qualified(self) -> str:
        """The name that is unique whatever else is installed: `distribution:name`."""
        return f"{self.distribution}:{self.name}"

    def load(self) -> object:
        """Import the component and return it. Whatever its module raises is passed on."""
        entry = entrypoints.EntryPoint.from_string(self.target, self.name)
        found: object = entry.load()
        return found


@dataclass(frozen=True)
class Installed:
    """What a look at the installed distributions found.

    Attributes:
        origins: the components, sorted by kind, name and distribution.
        unreadable: a sentence about each `entry_points.txt` that could not be read; it names the file.
    """

    origins: tuple[Origin, ...]
    unreadable: tuple[str, ...]


def installed() -> Installed:
    """Return the components of all distributions on `sys.path`, without importing any.

    A distribution whose `entry_points.txt` is malformed is left out and named in `unreadable`.
    """
    return _installed_on(tuple(sys.path))


def forget() -> None:
    """Make the next `installed` look again; for notebooks and tests that install a plugin while running."""
    _installed_on.cache_clear()


def normalized(distribution: str) -> str:
    """Return the form under which two spellings of a distribution's name are the same (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


@functools.cache
def _installed_on(path: tuple[str, ...]) -> Installed:
    unreadable: list[str] = []
    try:
        files = list(entrypoints.iter_files_distros(path=path))
    except (configparser.Error, UnicodeDecodeError, OSError):
        files = list(_readable_files(path, unreadable))
    origins = {
        Origin(kind, name, normalized(distribution.name), distribution.version or "", target.strip())
        for config, distribution in files
        for kind, group in GROUPS.items()
        if config.has_section(group)
        for name, target in config.items(group, raw=True)
    }
    return Installed(tuple(sorted(origins)), tuple(unreadable))


def _readable_files(
    path: tuple[str, ...], unreadable: list[str]
) -> Iterator[tuple[configparser.ConfigParser, entrypoints.Distribution]]:
    """Look one file at a time, because `entrypoints` gives up on everything at the first malformed file."""
    seen = set()
    for folder in path:
        for file in sorted(
            [*Path(folder).glob("*.dist-info/entry_points.txt"), *Path(folder).glob("*.egg-info/entry_points.txt")]
        ):
            distribution = entrypoints.Distribution.from_name_version(file.parent.stem)
            if distribution.name in seen:
                continue
            seen.add(distribution.name)
            config = entrypoints.CaseSensitiveConfigParser(delimiters=("=",))
            try:
                config.read([file])
            except (configparser.Error, UnicodeDecodeError, OSError) as error:
                reason = " ".join(str(error).split())
                unreadable.append(f"{file} cannot be read, so its plugins are not seen: {reason}")
            else:
                yield config, distribution
