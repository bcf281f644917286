"""What is given on a command line besides pictures: `--option steps=20 --with reference=DIR --with domain=blue`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from itrans.errors import DataError, ItransError
from itrans.files import expanded
from itrans.pictures.images import find_images
from itrans.pictures.kinds import kind_of, read_source
from itrans.pictures.spec import ImageSpec
from itrans.translating.given import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from itrans.methods.conditions import Accepted
    from itrans.pictures.spec import ImageArray

_OPTION, _WITH = "--option", "--with"


class Companions:
    """What each picture is translated with.

    A picture among the extras is a file, which goes with all, or a folder, in which the file goes with a picture that
    has its name, whatever the suffixes.

    Args:
        accepted: what the method takes.
        options: values by name.
        extras: by name, a number, a name to choose, a file or a folder.
        background: what transparent pictures are laid on.

    Attributes:
        fixed: what is the same for all pictures, by name.

    Raises:
        DataError: an extra is not what it should be.
        ItransError: there is no such option or extra, or one is missing.
    """

    def __init__(
        self, accepted: Accepted, options: Mapping[str, Any], extras: Mapping[str, Any], background: str
    ) -> None:
        self._background = background
        accepted.refuse_unknown({**options, **extras})
        for here, there, named in ((_OPTION, _WITH, options), (_WITH, _OPTION, extras)):
            for name in named:
                if (name in accepted.extras) != (here == _WITH):
                    raise ItransError(f"{here} {name}: it is given with {there} {name}=VALUE.")
        self.fixed: dict[str, Any] = accepted.checked_options(options)
        self._folders: dict[str, tuple[ImageSpec, Path, dict[str, list[Path]]]] = {}
        for name, value in extras.items():
            spec = accepted.extras[name]
            if not isinstance(spec, ImageSpec):
                self.fixed[name] = number_of(name, value, spec)
                continue
            place = expanded(str(value))
            if place.is_dir():
                self._folders[name] = spec, place, _by_stem(place)
            elif place.is_file():
                self.fixed[name] = self._read(name, spec, place)
            else:
                raise DataError(f"{_WITH} {name}={value}: there is no such file or folder.")
        if lacking := [name for name in accepted.extras if name in accepted.required and name not in extras]:
            needs = " ".join(_arguments(accepted, lacking))
            raise ItransError(f"This checkpoint translates with more than a picture. Give it {needs}.")

    @property
    def have_folders(self) -> bool:
        """Whether an extra is of a folder, and another one for each picture."""
        return bool(self._folders)

    @property
    def have_pictures(self) -> bool:
        """Whether there are pictures among them."""
        return self.have_folders or any(hasattr(value, "shape") for value in self.fixed.values())

    def of(self, path: Path) -> dict[str, Any]:
        """Return what a picture is translated with; raises `DataError` if a folder has nothing for it."""
        found = dict(self.fixed)
        for name, (spec, folder, files) in self._folders.items():
            found[name] = self._read(name, spec, _only(name, folder, files.get(path.stem, []), path))
        return found

    def _read(self, name: str, spec: ImageSpec, path: Path) -> ImageArray:
        kind = kind_of(spec)
        image, _ = kind.as_source(read_source(path, spec), spec, self._background)
        if fault := kind.refusal(image, spec):
            raise DataError(f'{path} cannot be the extra "{name}": {fault}')
        return image


def needed_arguments(accepted: Accepted) -> list[str]:
    """Return what a command line cannot do without: `--with colour=red|blue`, `--with mask=FOLDER|FILE`."""
    return _arguments(accepted, [name for name in accepted.extras if name in accepted.required])


def _arguments(accepted: Accepted, names: Iterable[str]) -> list[str]:
    return [f"{_WITH} {name}={_example(accepted, name)}" for name in names]


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in find_images(folder):
        found.setdefault(path.stem, []).append(folder / path)
    return found


def _only(name: str, folder: Path, files: list[Path], path: Path) -> Path:
    """Return the file that belongs to a picture: of several of its name, the one in a folder of the same name."""
    beside = [file for file in files if file.parent.name == path.parent.name] if len(files) > 1 else files
    if len(beside) == 1:
        return beside[0]
    if not files:
        raise DataError(f"{path} has no {name} in {folder}: a file called {path.stem}, with any suffix, is looked for.")
    raise DataError(f"{path} has several files for {name} in {folder}: {' and '.join(map(str, files[:2]))}.")


def _example(accepted: Accepted, name: str) -> str:
    spec: Any = accepted.extras[name]
    if isinstance(spec, tuple):
        return "|".join(spec)
    return "FOLDER|FILE" if isinstance(spec, ImageSpec) else "NUMBER"
