"""Peak memory of a process that trains at batch 1 and 256x256: `itrans run` against a plain loop over the same data."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from figures import line

from itrans.api import write_image

STEPS = 8
RECIPE = f"""
[dataset]
name = "aligned"
root = "data"
[augment]
size = 256
[generator]
name = "unet"
[discriminator]
name = "patchgan"
[[loss]]
name = "cgan"
[[loss]]
name = "l1"
weight = 100.0
[train]
steps = {STEPS}
"""
PLAIN = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import cv2, torch
from plain import PlainTrainer
trainer = PlainTrainer(8)
for path in sorted(Path("data/train").iterdir())[:{STEPS}]:
    image = torch.from_numpy(cv2.imread(str(path))).permute(2, 0, 1)[None].float() / 127.5 - 1
    trainer.step(image[..., :256].contiguous(), image[..., 256:].contiguous())
torch.save({{"generator": trainer.generator.state_dict(), "optimizer": trainer.g_optimizer.state_dict()}}, "plain.pt")
"""
REPORT = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
try:
    exec(open(sys.argv[0]).read(), {"__name__": "__main__"})
except SystemExit as done:
    assert not done.code, done.code
print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
"""Linux counts in KiB."""


def peak(folder: Path, script: str, *arguments: str) -> int:
    (folder / "script.py").write_text(script)
    command = [sys.executable, "-c", REPORT, "script.py", *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return int(done.stdout.split("PEAK")[1])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generator = np.random.default_rng(0)
        for split, count in (("train", STEPS), ("val", 2)):
            for index in range(count):
                coarse = generator.integers(0, 256, (16, 32, 3), dtype=np.uint8)
                image = cv2.resize(coarse, (512, 256), interpolation=cv2.INTER_CUBIC)
                write_image(folder / "data" / split / f"{index}.png", image)
        (folder / "recipe.toml").write_text(RECIPE)
        itrans = (
            "import sys; sys.argv = ['itrans', 'run', 'recipe.toml', *sys.argv[1:]]\n"
            "from itrans.cli import main; main()"
        )
        plain = peak(folder, PLAIN)
        without = peak(folder, itrans, "-o", "a", "--set", "validation.every=0")
        whole = peak(folder, itrans, "-o", "b")
        print(line("plain fp32 loop", f"{plain} MiB"))
        print(line("itrans run, without validation", f"{without} MiB", without / plain, "the memory of a plain loop"))
        print(line("itrans run, with validation", f"{whole} MiB", whole / plain, "the memory of a plain loop"))


if __name__ == "__main__":
    main()
