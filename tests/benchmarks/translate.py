"""Pictures a second through `itrans translate`, against a script that translates them one by one in fp32.

Both are whole processes: start, load, read, translate, write.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from figures import line

from itrans.api import write_image

PICTURES, SIZE = 256, 256
RECIPE = """
[dataset]
name = "aligned"
root = "data"
[generator]
name = "unet"
[[loss]]
name = "l1"
[train]
steps = 1
batch_size = 2
[validation]
every = 0
"""
ONE_BY_ONE = """
import sys
from pathlib import Path
import cv2, numpy as np, torch
from itrans.api import GENERATORS
record = torch.load(sys.argv[1], weights_only=True)
generator = GENERATORS.build({"name": "unet"}, in_channels=3, out_channels=3)
generator.load_state_dict(record["networks"]["generator"])
generator.eval()
with torch.no_grad():
    for path in sorted(Path(sys.argv[2]).iterdir()):
        image = cv2.imread(str(path))[:, :, ::-1].copy()
        source = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        output = ((generator(source)[0].permute(1, 2, 0) + 1) * 127.5).round().to(torch.uint8).numpy()
        cv2.imwrite(str(Path(sys.argv[3]) / path.name), output[:, :, ::-1])
"""


def main() -> None:
    itrans = str(Path(sys.executable).with_name("itrans"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generator = np.random.default_rng(0)
        for index in range(PICTURES):
            coarse = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            image = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
            write_image(folder / "in" / f"{index:04d}.png", image)
            if index < 2:
                write_image(folder / "data/train" / f"{index}.png", np.hstack([image, image]))
        (folder / "recipe.toml").write_text(RECIPE)
        subprocess.run([itrans, "run", "recipe.toml", "-o", "run"], cwd=folder, check=True, capture_output=True)
        checkpoint = "run/checkpoints/last.pt"
        (folder / "plain").mkdir()
        commands = {
            "one by one, fp32": [sys.executable, "-c", ONE_BY_ONE, checkpoint, "in", "plain"],
            "itrans translate": [itrans, "translate", checkpoint, "in", "-o", "out"],
            "itrans, mode running": [itrans, "translate", checkpoint, "in", "-o", "out", "--mode", "running"],
        }
        seconds = {}
        for label, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            seconds[label] = time.perf_counter() - began
            ratio = seconds["one by one, fp32"] / seconds[label]
            figure = f"{seconds[label]:.1f} s, {PICTURES / seconds[label]:.1f} pictures/s"
            print(line(label, figure, ratio, "one by one"), flush=True)


if __name__ == "__main__":
    main()
