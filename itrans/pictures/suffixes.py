"""The suffixes of the files that are read as pictures, where neither NumPy nor OpenCV is needed to know them."""

from __future__ import annotations

READ_SUFFIXES = frozenset(
    {
        *(".apng", ".avif", ".bmp", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".npy", ".pbm"),
        *(".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"),
    }
)
"""In lower case."""
