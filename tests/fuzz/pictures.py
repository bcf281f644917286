"""Broken pictures: good ones of every format with something changed, and what calls itself one.

`python tests/fuzz/pictures.py --count 1000 --seed 1` prints those that itrans reads wrongly.
"""

from __future__ import annotations

import io
import itertools
import random
import resource
import struct
import time
import traceback
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image, features

from itrans.errors import ItransError
from itrans.pictures.images import read_image
from itrans.pictures.label_maps import read_label_map
from itrans.pictures.spec import SUFFIXES, ImageSpec
from itrans.translating.files import translate_files
from itrans.translating.jobs import Job

HEIGHT, WIDTH = 11, 17
NUMBERS = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 127, 128, 254, 255, 256, 257, 32767, 32768, 65535, 65536]
NUMBERS += [2**24, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
SLOW = 30.0
LARGE = 4 * 2**20
"""What may be taken of memory at the most, in kilobytes, above what was taken before."""


@cache
def good() -> dict[str, bytes]:
    """Return small pictures by their file names, one of each kind of each format that Pillow and NumPy write here."""
    chance = np.random.default_rng(0)
    rgba = chance.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    rgb = Image.fromarray(np.ascontiguousarray(rgba[:, :, :3]))
    grey = Image.fromarray(np.ascontiguousarray(rgba[:, :, 0]))
    deep = Image.fromarray(chance.integers(0, 65536, (HEIGHT, WIDTH), np.uint16))
    turned = Image.Exif()
    turned[0x112] = 6
    kinds = {"rgb": rgb, "rgba": Image.fromarray(rgba), "grey": grey, "deep": deep, "bits": grey.convert("1")}
    kinds |= {"palette": rgb.quantize(16), "alpha": Image.merge("LA", [grey, grey]), "cmyk": rgb.convert("CMYK")}
    formats: list[tuple[str, str, dict[str, Any]]] = [
        ("png", "PNG", {}), ("png", "PNG", {"exif": turned, "dpi": (72, 72)}), ("jpg", "JPEG", {"exif": turned}),
        ("jpg", "JPEG", {"progressive": True}), ("bmp", "BMP", {}), ("gif", "GIF", {}), ("tga", "TGA", {}),
        ("webp", "WEBP", {"lossless": True, "exif": turned}), ("jp2", "JPEG2000", {}), ("ppm", "PPM", {}),
        ("tif", "TIFF", {}), ("tif", "TIFF", {"compression": "tiff_lzw"}), ("tif", "TIFF", {"compression": "jpeg"}),
        ("tif", "TIFF", {"compression": "tiff_adobe_deflate"}), ("tif", "TIFF", {"big_tiff": True}),
    ]  # fmt: skip
    if features.check("avif"):
        formats.append(("avif", "AVIF", {"exif": turned}))
    found: dict[str, bytes] = {}
    for (name, image), (suffix, format_, options) in itertools.product(kinds.items(), formats):
        if options.get("compression") == "jpeg" and name not in {"rgb", "grey"}:
            continue  # libtiff says so on the terminal
        file = io.BytesIO()
        try:
            image.save(file, format_, **options)
        except (OSError, ValueError, KeyError):
            continue  # the format has no room for it
        found[f"{name}{len(found)}.{suffix}"] = file.getvalue()
    for dtype in ("uint8", ">u2", "float32", "int64", "bool"):
        file = io.BytesIO()
        np.save(file, (rgba[:, :, :3] > 99).astype(dtype))
        found[f"{np.dtype(dtype).name}.npy"] = file.getvalue()
    return found


def with_checksums(content: bytearray) -> bytearray:
    """Return a PNG whose parts have the right checksums again, as far as their lengths make sense."""
    place = 8
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        if end + 4 > len(content):
            break
        content[end : end + 4] = zlib.crc32(content[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return content


def mutated(chance: random.Random) -> tuple[str, bytes]:
    """Return a picture with a few things changed, mostly in its header, and sometimes under another suffix."""
    name, start = chance.choice(sorted(good().items()))
    content = bytearray(start)
    for _ in range(chance.choice([0, 1, 1, 2, 5, 20])):
        place = chance.randrange(min(len(content), chance.choice([64, 256, len(content)])))
        kind = chance.randrange(6)
        if kind == 0:
            content[place] = chance.randrange(256)
        elif kind == 1:
            content[place] ^= 1 << chance.randrange(8)
        elif kind == 2 and place + 4 <= len(content):
            struct.pack_into(chance.choice("<>") + "I", content, place, chance.choice(NUMBERS))
        elif kind == 3 and place + 2 <= len(content):
            struct.pack_into(chance.choice("<>") + "H", content, place, chance.choice(NUMBERS) & 0xFFFF)
        elif kind == 4:
            del content[place : place + chance.choice([1, 4, 12, 100])]
        else:
            content[place:place] = content[place : place + chance.choice([1, 4, 12, 100])]
        content = content or bytearray(start)
    if name.endswith(".png") and chance.random() < 0.8:
        content = with_checksums(content)
    if chance.random() < 0.3:
        del content[chance.randrange(len(content) + 1) :]
    if chance.random() < 0.2:
        name = f"{Path(name).stem}{chance.choice(sorted(SUFFIXES))}"
    return name, bytes(content)


def cases(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many files, name and content: each good one cut at every tenth of its length, then mutations."""
    chance = random.Random(seed)
    cut = [(name, content[: len(content) * tenth // 10]) for name, content in good().items() for tenth in range(11)]
    chance.shuffle(cut)
    some = cut[: count // 3]
    return itertools.islice(itertools.chain(some, (mutated(chance) for _ in itertools.count())), count)


def fault(name: str, content: bytes, folder: Path) -> str | None:
    """Return what is wrong with how a file is read and translated; None if that is done, or refused by its name.

    Args:
        name: the file's.
        content: what is in it.
        folder: an empty one.
    """
    path = folder / name
    path.write_bytes(content)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    try:
        wrong = [found for read in (read_image, read_label_map) if (found := _fault_of(read, path))]
        wrong += [found for found in [_fault_of_translating(path, folder / "out.png")] if found]
    except BaseException:
        return traceback.format_exc(limit=-3)
    if (seconds := time.monotonic() - began) > SLOW:
        wrong.append(f"it takes {seconds:.1f} s")
    if (taken := resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) > LARGE:
        wrong.append(f"it takes {taken // 1024} MB")
    return "\n".join(wrong) or None


def _fault_of(read: Any, path: Path) -> str | None:
    try:
        image = read(path)
    except ItransError as error:
        text = str(error).replace(str(path), "", 1)
        return f"its message: {error!r:.300}" if text == str(error) or not text.isprintable() else None
    if image.ndim != 3 or 0 in image.shape or image.dtype.name not in {"uint8", "uint16", "float32"}:
        return f"it becomes {image.shape} of {image.dtype}"
    return None if image.flags.c_contiguous and image.dtype.isnative else "it lies oddly in memory"


class _Copier:
    """A translator that hands back what it is given."""

    preparation, trained_on_halves, seed, background = None, False, 0, "white"
    method, accepted = None, SimpleNamespace(extras={}, options={})

    def goes_back(self, _direction: str | None) -> bool:
        return False

    def specs(self, _direction: str | None) -> tuple[ImageSpec, ImageSpec]:
        return ImageSpec(channels=3), ImageSpec(channels=3)

    def check(self, image: Any, _direction: str | None) -> None:
        if image.shape[2] != 3:
            raise ItransError("other channels")

    def room(self, _image: Any, _direction: str | None) -> tuple[float, None]:
        return 0.0, None

    def translate_batch(self, images: list[Any], **_: Any) -> list[Any]:
        return images


def _fault_of_translating(path: Path, output: Path) -> str | None:
    told: list[ItransError | None] = []
    translator: Any = _Copier()
    jobs = [Job(path, (output,)), Job(path, (output.with_suffix(".tif"),)), Job(path, (output.with_suffix(".bmp"),))]
    translate_files(translator, jobs, done=lambda _, error: told.append(error))
    if len(told) != len(jobs):
        return f"{len(told)} of {len(jobs)} jobs are heard of"
    written = [job.outputs[0] for job in jobs if job.outputs[0].exists()]
    if len(written) != sum(error is None for error in told):
        return f"{[str(error) for error in told]}, but there are {[path.name for path in written]}"
    if written:
        image = read_image(path)
        image = image if image.shape[2] == 3 else None
        for other in written:
            if image is not None and not np.array_equal(read_image(other), image):
                return f"{other.name} has other values"
            other.unlink()
    left = sorted(found.name for found in path.parent.iterdir() if found != path)
    return f"it leaves {left}" if left else None


if __name__ == "__main__":
    from trying import try_many  # beside this file, where a script looks first

    try_many(__doc__, cases, fault)
