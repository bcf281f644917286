"""Label maps and photos of the data set `labels`, small and random."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from itrans.api import DATASETS, Dataset

SHORT = """
[generator]
name = "unet"
depth = 3
filters = 4

[[loss]]
name = "l1"

[train]
steps = 1
precision = "fp32"
"""
"""What a recipe has besides a data set, for a run of one step."""

COLOURS = [[128, 64, 128], [70, 70, 70], [0, 0, 142]]


def build(root: Path, **arguments) -> Dataset:
    table = {"name": "labels", "root": str(root), "classes": 3, **arguments}
    return DATASETS.build(table, split=table.pop("split", "train"))


def classes(seed: int, height: int = 6, width: int = 8, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, (height, width, 1), dtype=np.uint8)


def photo(seed: int, height: int = 6, width: int = 8) -> np.ndarray:
    return np.random.default_rng(100 + seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def label_map(root: Path, name: str = "a.png") -> Path:
    """Return the file of a label map to train with."""
    return root / "train" / "labels" / name


def palette_png(
    indices: np.ndarray, palette: list[list[int]] | None, depth: int = 8, *, transparent: bool = False
) -> bytes:
    """Return a palette PNG, as other programs write them (PNG specification, sections 7, 9 and 11)."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = indices.shape[:2]
    rows = []
    for row in indices.reshape(height, width):
        bits = "".join(format(int(value), f"0{depth}b") for value in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(b"\0" + bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)))
    header = struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (b"" if palette is None else chunk(b"PLTE", np.array(palette, np.uint8).tobytes()))
        + (chunk(b"tRNS", b"\0") if transparent else b"")
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )
