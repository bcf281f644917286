"""What everything in a new plugin is called, and which names cannot be had."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from itrans.api import REGISTRIES, PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 39
"""So that every line of the package stays within 120 characters."""

MODULES = {
    "generator": "generators",
    "discriminator": "discriminators",
    "loss": "losses",
    "dataset": "datasets",
    "method": "methods",
    "transform": "transforms",
    "metric": "metrics",
    "tracker": "trackers",
    "page": "pages",
}
"""The module, in a package as in the templates, that has the components of a kind."""

_OTHER_FOLDERS = {"build", "dist", "runs", "tests"}
"""What else is, or comes to be, in the package's folder."""


@dataclass(frozen=True)
class Names:
    """What the parts of a plugin are called.

    Attributes:
        folder: what was asked for, and the folder's name: `itrans-line_art`.
        distribution: what pip calls it: `itrans-line-art`.
        module: what Python imports: `itrans_line_art`.
        component: what recipes say of components that have no name of their own: `line_art`.
        prefix: how the classes' names begin: `LineArt`.
    """

    folder: str
    distribution: str
    module: str
    component: str
    prefix: str


@dataclass(frozen=True)
class Part:
    """A component of a plugin.

    Attributes:
        kind: `loss`.
        name: what recipes say: `huber`.
        module: the file in the package: `losses`, or `loss_huber` beside others of the kind.
        prefix: how the class's name begins: `Huber`.
    """

    kind: str
    name: str
    module: str
    prefix: str

    @property
    def class_name(self) -> str:
        """The name of the class: `HuberLoss`."""
        return f"{self.prefix}{self.kind.capitalize()}"


def names_of(name: str) -> Names:
    """Return what a plugin of this name and its parts are called.

    Args:
        name: a distribution's name, as in PEP 508; `itrans-` in front or `-itrans` behind is not part of the
            components' names.

    Raises:
        PluginError: no package can have that name.
    """
    if any(separator in name for separator in "/\\"):
        raise PluginError(f'"{name}" is a path. Give a name alone: the package is written where you are.')
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
        raise PluginError(
            f'"{name}" cannot name a package: letters (a-z), digits, and "-", "_" or "." between them can, '
            "such as itrans-sketch."
        )
    if len(name) > _LONGEST:
        raise PluginError(f'"{name}" has {len(name)} characters; take a name of at most {_LONGEST}.')
    distribution = re.sub(r"[-_.]+", "-", name).lower()  # PEP 503
    module = distribution.replace("-", "_")
    if not module.isidentifier() or keyword.iskeyword(module):
        what = "a word of Python's own" if keyword.iskeyword(module) else "not a name in Python"
        raise PluginError(f'"{name}" cannot be imported: {module} is {what}. itrans-{distribution} would do.')
    if module in _OTHER_FOLDERS:
        raise PluginError(
            f'"{name}" cannot be the package: {module}/ is another folder beside it. Choose another name.'
        )
    component = distribution.removeprefix("itrans-").removesuffix("-itrans").replace("-", "_")
    prefix = _camel(component)
    return Names(name, distribution, module, component, prefix if prefix.isidentifier() else _camel(module))


def parts_of(names: Names, asked: Sequence[tuple[str, str | None]]) -> list[Part]:
    """Return the components of a plugin, in the order of the kinds.

    Args:
        names: of the plugin.
        asked: a kind, and what recipes are to say, of each; None is the plugin's own name.

    Raises:
        PluginError: no component can have such a name, or two would have one class.
    """
    wanted = dict.fromkeys((kind, names.component if name is None else name) for kind, name in asked)
    parts: dict[str, Part] = {}
    for kind in REGISTRIES:
        own = [name for other, name in wanted if other == kind]
        for name in own:
            word = re.sub(r"-", "_", name)
            module = MODULES[kind] if len(own) == 1 else f"{kind}_{word.lower()}"
            part = Part(kind, name, module, names.prefix if name == names.component else _prefix(name, names))
            if other := parts.get(part.class_name):
                raise PluginError(
                    f'The names "{other.name}" and "{name}" would give the same class, {part.class_name}.'
                )
            parts[part.class_name] = part
    return list(parts.values())


def _prefix(name: str, names: Names) -> str:
    """Return how the class of a component begins."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?", name) or len(name) > _LONGEST:
        raise PluginError(
            f'"{name}" cannot name a component: letters (a-z), digits, and "-" or "_" between them can, at most '
            f"{_LONGEST} of them, such as --kind loss=huber."
        )
    prefix = _camel(name.replace("-", "_"))
    return prefix if prefix.isidentifier() else f"{names.prefix}{prefix}"


def refuse_taken(names: Names, parts: Sequence[Part]) -> None:
    """Refuse names that something installed has already.

    Args:
        names: of the new plugin.
        parts: its components.

    Raises:
        PluginError: a distribution, a module or a component has the name.
    """
    try:
        version = importlib.metadata.version(names.distribution)
    except importlib.metadata.PackageNotFoundError:
        pass
    else:
        raise PluginError(f'The name "{names.folder}" is taken: {names.distribution} {version} is installed.')
    if names.module in sys.stdlib_module_names:
        raise PluginError(f'The name "{names.folder}" is taken: {names.module} is a module of Python itself.')
    if place := _place_of(names.module):
        raise PluginError(f'The name "{names.folder}" is taken: Python finds a module {names.module} in {place}.')
    for part in parts:
        for origin in REGISTRIES[part.kind].origins():
            if origin.name == part.name:
                advice = (
                    "Choose another name for the package, after which its components are named, or one for this: "
                    f"--kind {part.kind}=NAME."
                    if part.name == names.component
                    else "Choose another name for it."
                )
                raise PluginError(
                    f'There is a {part.kind} "{part.name}" already, from {origin.distribution} {origin.version}. '
                    f"{advice}"
                )


def _place_of(module: str) -> str | None:
    """Return where Python would import a module from, or None if it finds none."""
    found = importlib.util.find_spec(module)
    if found is None:
        return None
    if found.origin is not None:
        return found.origin
    # Any folder can be imported as a namespace. That of a plugin's own project, seen from beside it, hides nothing.
    others = [place for place in found.submodule_search_locations or [] if not Path(place).parent.samefile(".")]
    return others[0] if others else None


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
