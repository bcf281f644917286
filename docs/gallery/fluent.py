"""Make pairs of Microsoft's Fluent emoji, flat -> 3D: the data of some recipes of the gallery.

Both drawings of an emoji come from packages of npm, under the MIT licence:

    npm pack @iconify-json/fluent-emoji-flat@1.2.6 @lobehub/fluent-emoji-3d@1.1.0
    python docs/gallery/fluent.py *.tgz

That writes `datasets/fluent/{flat,3d}/{train,val,test}/CODE.png`, 160x160 on white. A tenth of the emoji is held out,
half of it as `val`. Variants of an emoji stay together: woman and man, all clock faces, all keycaps. Skin tones are
left out: some of the 3D renders have another tone than their names say.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import sys
import tarfile
from collections import Counter
from pathlib import Path

import resvg_py
from PIL import Image

_SIZE = 160
_SKIN_TONE = re.compile("1f3f[b-f]")
_PEOPLE = {"1f468", "1f469", "1f9d1"}
_ALIKE = [re.compile(pattern) for pattern in ("1f5[56].", ".*-20e3", "1f17.", "1f19.", "1f2..", "1f53[4-9a-d]", "26..")]
"""Families of emoji whose members look alike: clock faces, keycaps, letters, signs, arrows."""


def main() -> None:
    """Read the two packages, and write a folder for each split."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", type=Path, nargs=2, help="the two .tgz files that `npm pack` wrote, in any order")
    parser.add_argument("--out", type=Path, default=Path("datasets/fluent"), help="[default: datasets/fluent]")
    arguments = parser.parse_args()
    if arguments.out.exists():
        sys.exit(f"{arguments.out} exists already: remove it first, or choose another with --out.")
    files = {name: data for package in arguments.package for name, data in _files(package)}
    flat, rendered = _flat(files), _rendered(files)
    both = sorted(code for code in flat.keys() & rendered.keys() if not _SKIN_TONE.search(code))
    if not both:
        sys.exit("No emoji is in both packages. They are @iconify-json/fluent-emoji-flat and @lobehub/fluent-emoji-3d.")
    unfinished = arguments.out.with_name(f".{arguments.out.name}-{os.getpid()}")
    for code in both:
        name = f"{_split(code)}/{code}.png"
        _write(unfinished / "flat" / name, _drawn(flat[code]))
        _write(unfinished / "3d" / name, Image.open(io.BytesIO(rendered[code])))
    unfinished.rename(arguments.out)
    counts = Counter(_split(code) for code in both)
    print(f"{arguments.out}: {counts['train']} pairs to train with, {counts['val']} val, {counts['test']} test")


def _files(package: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(package) as archive:
        members = [(member.name, archive.extractfile(member)) for member in archive if member.isfile()]
        return [(name.removeprefix("package/"), file.read()) for name, file in members if file]


def _flat(files: dict[str, bytes]) -> dict[str, str]:
    """Return the flat drawings as SVG, by code points."""
    icons = json.loads(files["icons.json"])["icons"]
    names = json.loads(files["chars.json"])
    body = {code: icons[name]["body"] for code, name in names.items() if name in icons}
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{}</svg>'
    return {_bare(code): svg.format(drawing) for code, drawing in body.items()}


def _rendered(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the 3D renders as WebP files, by code points."""
    return {_bare(Path(name).stem): data for name, data in files.items() if name.endswith(".webp")}


def _bare(code: str) -> str:
    """Return code points without the selector that asks for a picture in place of a letter."""
    return "-".join(part for part in code.split("-") if part != "fe0f")


def _split(code: str) -> str:
    """Return the split of an emoji, which is that of all its variants."""
    parts = [part for part in code.split("-") if part not in ("200d", "2640", "2642")]
    family = next((pattern.pattern for pattern in _ALIKE if pattern.fullmatch(code)), None)
    others = [part for part in parts if part not in _PEOPLE]
    name = family or (others[0] if others else "people")
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / 2**32
    return "val" if place < 0.05 else "test" if place < 0.1 else "train"


def _drawn(svg: str) -> Image.Image:
    return Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, width=_SIZE, height=_SIZE)))


def _write(path: Path, picture: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = picture.convert("RGBA").resize((_SIZE, _SIZE), Image.Resampling.LANCZOS)
    Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB").save(path)


if __name__ == "__main__":
    main()
