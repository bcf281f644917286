"""What is in a data set's folder, for messages that say which keys to set, or which files are not read."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, get_args

from itrans.errors import DataError
from itrans.pictures.images import unread_suffixes
from itrans.pictures.walking import folders_in
from itrans.records import Split

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PLACEHOLDER = "{split}"
_WORDS: dict[str, Split] = {
    **dict.fromkeys(("training", "train"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "val"),
    **dict.fromkeys(("testing", "test"), "test"),
}
"""What people call the splits."""

_WORD = re.compile(f"(?<![a-z])(?i:{'|'.join(_WORDS)})(?![a-z])")
"""One of those words, in any letters, as in `Train`, `trainA` and `test_label`, and not as in `latest`."""

_ALIKE = {
    "source": ("input",),
    "target": ("output", "truth"),
    "label": ("mask", "annotation", "segment"),
    "photo": ("image", "img", "picture", "rgb"),
}
"""What else people call the folders of a pair's sides."""

_MOST_FOLDERS, _DEEPEST, _MOST_NAMED = 1000, 3, 10


def split_layout(root: Path, count: int) -> dict[str, dict[Split, str]]:
    """Return the folders in a data set's folder that seem to be of splits, whatever the letters they are written in.

    They are those of the first depth that has `count` of them for each split, or else of the first depth with any, as
    in `{"A/{split}": {"train": "A/train", "val": "A/Valid"}}`: paths in `root`, by split, by what they have in common.
    """
    depths: list[dict[str, dict[Split, str]]] = [{} for _ in range(_DEEPEST)]
    for path in islice(_folders(root), _MOST_FOLDERS):
        if (match := _WORD.search(path)) is not None:
            template = path[: match.start()] + PLACEHOLDER + path[match.end() :]
            depths[path.count("/")].setdefault(template, {})[_WORDS[match[0].lower()]] = path
    some = [found for found in depths if found]
    return next((found for found in some if len(found) == count), some[0] if some else {})


def layout_advice(root: Path, folders: Mapping[str, str]) -> str:
    """Return sentences on which keys to set, or what to rename, for what is there; empty where that cannot be told.

    Args:
        root: the data set's folder.
        folders: the name of each folder in it that was looked for, by the argument that gives the name; `root` itself
            stands for the data set's folder.
    """
    layout = split_layout(root, len(folders))
    names = list(layout)
    if not names and len(folders) > 1:
        names = list(islice(_folders(root, deepest=1), _MOST_FOLDERS))
    said = []
    if list(folders) == ["root"]:
        if len(names) > 1:
            said.append(f"There are several folders for each split: {_listing(names)}.")
        elif names and names[0].endswith(f"/{PLACEHOLDER}"):
            said.append(f'What is there fits dataset.root = "{(root / names[0]).parent.as_posix()}".')
    elif len(names) == len(folders):
        chosen, sure = _assign(names, folders)
        keys = [f'dataset.{option} = "{name}"' for option, name in chosen.items() if name != folders[option]]
        if keys:
            said.append(f"What is there fits {_listing(keys)}{'' if sure else ', or the other way round'}.")
    renamed = [
        f"{path} to {wanted}"
        for template, paths in layout.items()
        for split in get_args(Split)
        if (path := paths.get(split, "")) and path != (wanted := template.replace(PLACEHOLDER, split))
    ]
    if renamed:
        said.append(f"The splits are called train, val and test: rename {_listing(renamed)}.")
    return " ".join(said)


def folders_there(root: Path) -> str:
    """Return the first few folders in a data set's folder, as people list them; empty where there are none."""
    return _listing(list(islice(_folders(root, deepest=1), _MOST_NAMED)))


def no_pictures(folders: Sequence[Path], advice: str) -> DataError:
    """Return the error of folders without pictures, which says what else is there.

    Args:
        folders: where pictures were looked for; one can be there twice.
        advice: what to do, as a sentence.
    """
    there = list(dict.fromkeys(map(str, folders)))
    verb = "holds" if len(there) == 1 else "hold"
    return DataError(" ".join([f"{' and '.join(there)} {verb} no pictures.", *unread_sentences(folders), advice]))


def unread_note(folder: str | os.PathLike[str]) -> str | None:
    """Return a sentence on the files in a folder that are of no known format; None if there are none.

    Raises:
        DataError: see `itrans.pictures.images.find_images`.
    """
    kinds = _kinds(unread_suffixes(folder))
    return f"Files in {folder} of formats that itrans does not read, which are left out: {kinds}." if kinds else None


def unread_sentences(folders: Sequence[Path]) -> list[str]:
    """Return a list with a sentence on the files of unknown formats in some folders; empty if there are none."""
    counts: Counter[str] = Counter()
    for folder in dict.fromkeys(folders):
        counts.update(unread_suffixes(folder))
    return [f"Files there of formats that itrans does not read: {_kinds(counts)}."] if counts else []


def _kinds(counts: Mapping[str, int]) -> str:
    most = Counter(counts).most_common(_MOST_NAMED)
    return ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in most)


def _assign(names: Iterable[str], folders: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """Return which name is likely meant by which argument, and whether that is more than a guess."""
    left = sorted(names)
    chosen: dict[str, str] = {}
    for option, default in folders.items():
        word = re.sub(r"\{split\}|[^a-z]", "", default.lower()).rstrip("s")
        words = (word, *_ALIKE.get(word, ()))
        alike = [name for name in left if len(word) > 1 and any(other in name.lower() for other in words)]
        if len(alike) == 1:
            chosen[option] = alike[0]
            left.remove(alike[0])
    sure = bool(chosen) or len(folders) == 1
    for option in folders:
        if option not in chosen:
            chosen[option] = left.pop(0)
    return {option: chosen[option] for option in folders}, sure


def _folders(root: Path, *, deepest: int = _DEEPEST) -> Iterator[str]:
    """Yield the folders in a folder, relative to it, without hidden ones; an unreadable one is left out."""
    waiting = [""]
    while waiting:
        place = waiting.pop(0)
        try:
            names = folders_in(root / place)
        except OSError:
            continue
        for name in names:
            path = f"{place}/{name}" if place else name
            yield path
            if path.count("/") + 1 < deepest:
                waiting.append(path)


def _listing(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " * (len(parts) > 1) + "".join(parts[-1:])
