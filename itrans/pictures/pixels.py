"""What the stored values of pixels mean. Imports nothing, so that naming it costs nothing."""

from __future__ import annotations

WHITE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""The value of white, for each way of storing pixels: networks see it as 1, and 0, which is black, as -1."""
