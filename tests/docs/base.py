"""What parts of recipes are laid over: a small recipe, its data set, and the components of blocks above."""

from __future__ import annotations

import contextlib
import copy
import sys
from pathlib import Path

import cv2
import numpy as np
from docs.pages import Block, wanted

from itrans.cli.options import import_code
from itrans.registry import LOCAL, LOSSES, REGISTRIES

BASE = {
    "dataset": {"name": "aligned", "root": "datasets/mine"},
    "generator": {"name": "unet", "depth": 3, "filters": 4},
    "discriminator": {"name": "patchgan", "patch": 16, "filters": 4},
    "loss": [{"name": "cgan"}, {"name": "l1", "weight": 100.0}],
    "train": {"batch_size": 2, "steps": 2, "precision": "fp32"},
}


def add_pictures(folder: Path) -> None:
    """Write what the documents take to be there: A|B pairs of 16x16 in `datasets/mine`, and a few `pictures`."""
    noise = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 2)):
        (folder / "datasets" / "mine" / split).mkdir(parents=True)
        for index in range(count):
            picture = cv2.resize(noise.integers(0, 256, (4, 4, 3), dtype=np.uint8), (16, 16))
            path = folder / "datasets" / "mine" / split / f"{index}.png"
            assert cv2.imwrite(str(path), np.hstack([picture, 255 - picture]))
    (folder / "pictures").mkdir()
    assert cv2.imwrite(str(folder / "pictures" / "cat.png"), noise.integers(0, 256, (19, 23, 3), dtype=np.uint8))


@contextlib.contextmanager
def registered(sources: list[Block], folder: Path):
    """Have the components of some blocks for as long as this lasts."""
    before = {
        kind: {o.name for o in registry.origins() if o.distribution == LOCAL} for kind, registry in REGISTRIES.items()
    }
    try:
        for block in sources:
            (folder / block.name).write_text(block.text, encoding="utf-8")
            import_code((str(folder / block.name),))
        yield
    finally:
        for kind, registry in REGISTRIES.items():
            for origin in registry.origins():
                if origin.distribution == LOCAL and origin.name not in before[kind]:
                    registry.unregister(origin.name)
        for block in sources:
            sys.modules.pop(f"itrans_code_{Path(block.name).stem}", None)


def parts_before(block: Block) -> list[Block]:
    """Return the blocks of a page that register components, above a block."""
    return [
        other
        for other in wanted("python", files=True)
        if other.page == block.page and other.line < block.line and "/" not in other.name
    ]


def laid_over_base(part: dict[str, object]) -> dict[str, object]:
    """Return a whole recipe with a part in it. Call it while the part's components are registered."""
    whole = copy.deepcopy(BASE)
    for name, value in part.items():
        below = whole.get(name)
        merged = isinstance(value, dict) and isinstance(below, dict) and "name" not in value
        whole[name] = {**below, **value} if merged else value
    if "train" in part:
        for one, other in (("epochs", "steps"), ("steps", "epochs")):
            if one in part["train"]:
                whole["train"].pop(other, None)
    roles = {LOSSES.get(loss["name"]).role for loss in whole["loss"]}
    is_judged = "adversarial" in roles and whole.get("method", {}).get("name") not in {"two_way", "tinting"}
    if not is_judged and "discriminator" not in part:
        del whole["discriminator"]
    return whole
