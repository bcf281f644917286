"""Which components are installed, read from entry points without importing any of them.

The only module that knows the `entrypoints` library. Anybody may have written what it reads, so it takes nothing for
granted. It names what it cannot use, and one bad package never hides another.
"""

from __future__ import annotations

import functools
import io
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import entrypoints

from itrans.errors import did_you_mean, printable
from itrans.metadata import contents, note_on

if TYPE_CHECKING:
    import configparser
    from collections.abc import Iterator

GROUPS = {
    "generator": "itrans.generators",
    "discriminator": "itrans.discriminators",
    "loss": "itrans.losses",
    "dataset": "itrans.datasets",
    "method": "itrans.methods",
    "transform": "itrans.transforms",
    "metric": "itrans.metrics",
    "tracker": "itrans.trackers",
    "page": "itrans.pages",
}
"""The entry-point group of every kind of component."""

COMMAND = "command"
"""The kind of what adds a command to the command line: no component, and in no registry."""

MODEL = "model"
"""The kind of what opens files of a suffix, its name, that translate and are no checkpoints: in no registry either."""

MEDIA = "media"
"""The kind of what translates files of a suffix, its name, that are no pictures: in no registry either."""

_EVERY_GROUP = {**GROUPS, COMMAND: "itrans.commands", MODEL: "itrans.models", MEDIA: "itrans.media"}

OURS = "itrans"
"""Our own distribution, which is always looked at."""

LOCAL = "local"
"""What stands for the distribution of a component that a decorator registered, not an installed package."""

RESTRICTION = "ITRANS_PLUGINS"
"""The environment variable that restricts which distributions are looked at: names with commas between them."""

NAMING = 'a name has 1 to 100 letters, digits, "_", "-" and "."'
"""What `is_name` asks, for messages."""

_MOST_CHARACTERS = 500
_DISTRIBUTION = re.compile(r"[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?")
_VERSION = re.compile(r"[\w.+!-]{0,100}", re.ASCII)


@dataclass(frozen=True, order=True)
class Origin:
    """Where a component comes from.

    Attributes:
        kind: `generator`, `discriminator`, `loss`, `dataset`, `method`, `transform`, `metric`, `tracker` or `page`; or
            `command`, `model` or `media`.
        name: what a recipe, or the command line, calls it.
        distribution: the distribution that brings it (the name `pip` knows).
        version: the version of that distribution.
        target: `module:attribute`.
        metadata: the folder or archive that the entry point was read from.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    metadata: str = field(default="", compare=False)

    @property
    def qualified(self) -> str:
        """The name that is unique whatever else is installed: `distribution:name`."""
        return f"{self.distribution}:{self.name}"

    @property
    def module(self) -> str:
        """The module of the target."""
        return self.target.partition(":")[0].strip()

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
        unreadable: a sentence about each file that could not be read, and each entry that was refused; it names the
            file.
        only: the distributions that `ITRANS_PLUGINS` restricts the look to, sorted; None without a restriction.
        missing: a sentence about each distribution that `ITRANS_PLUGINS` names in vain.
        doubtful: a sentence about each group of entry points that looks like one of ours and is not known.
    """

    origins: tuple[Origin, ...]
    unreadable: tuple[str, ...]
    only: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()

    @functools.cached_property
    def by_name(self) -> dict[tuple[str, str], list[Origin]]:
        """The components by kind and name."""
        found: dict[tuple[str, str], list[Origin]] = {}
        for origin in self.origins:
            found.setdefault((origin.kind, origin.name), []).append(origin)
        return found

    def for_file(self, kind: str, path: Path) -> list[Origin]:
        """Return the components of a kind whose name is a file's suffix."""
        return self.by_name.get((kind, path.suffix.lower().removeprefix(".")), [])


def installed() -> Installed:
    """Return the components of all distributions on `sys.path`, without importing any.

    Of several distributions of one name, the first on `sys.path` counts, as it does for imports. If the environment
    variable `ITRANS_PLUGINS` is set, only the distributions that it names, and `itrans`, are looked at.
    """
    return _installed_on(tuple(entry for entry in sys.path if isinstance(entry, str)), os.environ.get(RESTRICTION))


def forget() -> None:
    """Make the next `installed` look again; for notebooks and tests that install a plugin while running."""
    _installed_on.cache_clear()


def normalized(distribution: str) -> str:
    """Return the form under which two spellings of a distribution's name are the same (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def is_name(text: str) -> bool:
    """Whether a text can name a component; see `NAMING`."""
    return re.fullmatch(r"[\w.-]{1,100}", text) is not None


@functools.cache
def _installed_on(path: tuple[str, ...], restriction: str | None) -> Installed:
    only = None if restriction is None else {OURS, *map(normalized, re.split(r"[,\s]+", restriction))} - {""}
    seen: dict[str, str] = {}
    look = _Look()
    for entry in dict.fromkeys(path):
        for source in look.sources(entry or os.curdir):
            if only is not None and source.distribution not in only:
                seen.setdefault(source.distribution, entry)
            elif source.distribution not in seen:
                seen[source.distribution] = entry
                look.origins.extend(look.origins_of(source))
            elif seen[source.distribution] == entry and any(_Look().origins_of(source)):
                reason = f"{source.distribution} is installed twice here, and this copy is ignored; reinstall it"
                look.note(source.place, reason)
    missing = [
        f'{RESTRICTION} names "{printable(name)}", which '
        + ("brings no components." if name in seen else "is not installed.")
        for name in sorted((only or set()) - {origin.distribution for origin in look.origins} - {OURS})
    ]
    chosen = None if only is None else tuple(printable(name) for name in sorted(only))
    return Installed(tuple(sorted(look.origins)), tuple(look.unreadable), chosen, tuple(missing), tuple(look.doubtful))


class _Source(NamedTuple):
    """The metadata of one distribution; `config` is None if it is still to be read from the folder `place`."""

    distribution: str
    version: str
    place: Path
    config: configparser.ConfigParser | None


class _Look:
    """What has been found so far; see `Installed`."""

    def __init__(self) -> None:
        self.origins: list[Origin] = []
        self.unreadable: list[str] = []
        self.doubtful: list[str] = []

    def note(self, place: Path, reason: str) -> None:
        """Note what could not be read, or was refused."""
        self.unreadable.append(note_on(place, reason))

    def sources(self, entry: str) -> Iterator[_Source]:
        """Yield the distributions of one entry of `sys.path`.

        `entrypoints.iter_files_distros` would stop at the first file that is malformed, so folders are listed here. It
        reads all of an archive, or none.
        """
        try:
            if entry.endswith(".egg"):
                raise NotADirectoryError
            names = [name for name in os.listdir(entry) if name.endswith((".dist-info", ".egg-info"))]  # noqa: PTH208
        except NotADirectoryError:
            try:
                archived = list(entrypoints.iter_files_distros(path=[entry]))
            except Exception as error:  # a damaged archive raises anything
                self._note_unread(Path(entry), error)
                return
            for config, distribution in archived:
                yield from self._source(f"{distribution.name}-{distribution.version or ''}", Path(entry), config)
        except (OSError, ValueError):
            return  # Python passes over such an entry as well
        else:
            for name in sorted(names, key=_preference, reverse=True):
                yield from self._source(name.rpartition(".")[0], Path(entry, name), None)

    def _source(self, stem: str, place: Path, config: configparser.ConfigParser | None) -> Iterator[_Source]:
        """Yield a distribution if its name, and with it all messages about it, can be shown."""
        found = entrypoints.Distribution.from_name_version(stem)
        name, version = normalized(found.name), re.sub(r"-py\d[\d.]*$", "", found.version or "")
        if _DISTRIBUTION.fullmatch(name) and _VERSION.fullmatch(version) and name != LOCAL:
            yield _Source(name, version, place, config)
        elif config is not None or (place / "entry_points.txt").exists():
            reason = (
                "that name is kept for what a decorator registers"
                if name == LOCAL
                else "that is not a name and a version"
            )
            self.note(place, f"its plugins are left out: it is called {_excerpt(stem)}, and {reason}")

    def origins_of(self, source: _Source) -> Iterator[Origin]:
        """Yield the components of a distribution."""
        config, file = source.config, source.place
        if config is None:
            file = source.place / "entry_points.txt"
            try:
                config = _read(file)
            except (FileNotFoundError, NotADirectoryError):
                return
            except Exception as error:  # malformed in one of many ways
                self._note_unread(file, error)
                return
        for group in config.sections():
            if group.startswith(f"{OURS}.") and group not in _EVERY_GROUP.values():
                reason = f"the group {_excerpt(group)} is not known, so its entries are not seen."
                self.doubtful.append(note_on(file, f"{reason}{did_you_mean(group, _groups_like(group))}"))
        for kind, group in _EVERY_GROUP.items():
            for name, text in config.items(group, raw=True) if config.has_section(group) else ():
                target = " ".join(text.split())
                if not is_name(name):
                    self.note(file, f"a {kind} is left out: {_excerpt(name)} is not a name; {NAMING}")
                elif len(target) > _MOST_CHARACTERS or target != printable(target):
                    self.note(file, f'the {kind} "{name}" is left out: {_excerpt(target)} is not an object')
                else:
                    yield Origin(kind, name, source.distribution, source.version, target, str(source.place))

    def _note_unread(self, file: Path, error: Exception) -> None:
        reason = " ".join(str(error).split()) or type(error).__name__
        self.note(file, f"it cannot be read, so its plugins are not seen: {reason[:_MOST_CHARACTERS]}")


def _groups_like(group: str) -> list[str]:
    """Return the groups of ours that another one may be meant to be; all of them begin alike, which says nothing."""
    word = group.removeprefix(f"{OURS}.")
    return [known for known in _EVERY_GROUP.values() if did_you_mean(word, [known.removeprefix(f"{OURS}.")])]


def _preference(name: str) -> tuple[bool, list[int], str]:
    """Order what an interrupted update leaves behind: the higher version comes last."""
    version = entrypoints.Distribution.from_name_version(name).version or ""
    return name.endswith(".dist-info"), [int(number[:9]) for number in re.findall(r"[0-9]+", version)], name


def _read(file: Path) -> configparser.ConfigParser:
    """Read an `entry_points.txt`. One that is about other programs is not parsed."""
    data = contents(file)
    config: configparser.ConfigParser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",))
    if b"itrans." in data or data.lstrip()[:1] not in {b"", b"[", b"#", b";"}:
        config.read_file(io.StringIO(data.decode("utf-8"), newline=None), source=file.name)
    return config


def _excerpt(text: str) -> str:
    return f'"{text}"' if len(text) <= 100 else f'"{text[:100]}..."'
