"""The pairs that the checkpoints of `itrans inspect --explain` are of."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from guests.inspect.explaining import SIZE


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with pairs `data/{train,val}` of 32x32."""
    place = tmp_path_factory.mktemp("explained")
    noise = np.random.default_rng(0)
    for split in ("train", "val"):
        (place / "data" / split).mkdir(parents=True)
        for index in range(2):
            source = cv2.resize(noise.integers(0, 256, (5, 5, 3), dtype=np.uint8), (SIZE, SIZE))
            cv2.imwrite(str(place / "data" / split / f"{index}.png"), np.hstack([source, 255 - source]))
    return place
