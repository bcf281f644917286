"""What installed plugins cost: `itrans list-plugins` among many packages, and a run's look at what it names.

Whole processes, an empty folder and a full one in turn. The second part measures, inside one process that has torch,
what finding, checking and building a recipe's components takes, against building the networks by hand.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import line

PACKAGES = 200
ROUNDS = 15

ENTRY_POINTS = """\
[console_scripts]
synthetic-{number} = synthetic_{number}:main

[itrans.generators]
net_{number} = synthetic_{number}:Net

[itrans.losses]
loss_{number} = synthetic_{number}:Loss
"""
SOURCE = '''\
"""A package."""


class Net:
    """A network."""


class Loss:
    """A loss."""
'''

RUN = """
import json, sys, time
import torch, cv2, albumentations, torchmetrics, pydantic
import itrans_pix2pix.generators, itrans_pix2pix.discriminators, itrans_pix2pix.losses, itrans_datasets.openmoji
import itrans_datasets.aligned, itrans.methods.paired, itrans.recipe.load
from itrans import plugins
from itrans.registry import DISCRIMINATORS, GENERATORS, LOSSES, METHODS

clock, found = time.perf_counter, {}
def measured(name, act):
    began = clock()
    result = act()
    found.setdefault(name, []).append((clock() - began) * 1000)
    return result

used = [(GENERATORS, "unet"), (DISCRIMINATORS, "patchgan"), (LOSSES, "cgan"), (LOSSES, "l1"), (METHODS, "paired")]
Net = itrans_pix2pix.generators.UNet
sizes = {"in_channels": 3, "out_channels": 3}
Net(**sizes)
for _ in range(7):
    plugins.forget()
    measured("looking at what is installed", plugins.installed)
    measured("finding 5 components", lambda: [registry.get(name) for registry, name in used])
    measured("a U-Net by the registry", lambda: GENERATORS.build({"name": "unet"}, **sizes, initialize=True))
    measured("a U-Net by hand", lambda: Net(**sizes))
print(json.dumps(found))
"""


def seconds_of(command: list[str], path: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=True)
    return time.perf_counter() - began


def write_packages(site: Path) -> None:
    for number in range(PACKAGES):
        info = site / f"synthetic_{number}-1.{number}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: synthetic-{number}\nVersion: 1.{number}\n")
        (info / "entry_points.txt").write_text(ENTRY_POINTS.format(number=number))
        (site / f"synthetic_{number}.py").write_text(SOURCE)


def main() -> None:
    itrans = [str(Path(sys.executable).with_name("itrans")), "list-plugins"]
    with tempfile.TemporaryDirectory() as folder:
        empty, full = Path(folder, "empty"), Path(folder, "full")
        empty.mkdir()
        write_packages(full)
        for options in ([], ["--long"], ["--json"]):
            times: dict[Path, list[float]] = {empty: [], full: []}
            for round_ in range(ROUNDS + 1):
                for site, found in times.items():
                    seconds = seconds_of([*itrans, *options], str(site))
                    if round_:
                        found.append(seconds)
            for name, of in (("best", min), ("median", statistics.median)):
                bare, many = of(times[empty]), of(times[full])
                command = " ".join(["list-plugins", *options])
                each = (many - bare) / PACKAGES * 1000
                figure = f"{many:.3f} s, {each:.2f} ms for each package"
                what = f"{command}, {PACKAGES} packages, {name}"
                print(line(what, figure, many / bare, "the time without any"), flush=True)
        for name, site in (("no other package", empty), (f"{PACKAGES} packages", full)):
            done = subprocess.run(
                [sys.executable, "-c", RUN],
                env={**os.environ, "PYTHONPATH": str(site)},
                capture_output=True,
                text=True,
                check=True,
            )
            for what, values in json.loads(done.stdout).items():
                figure = f"{statistics.median(values):.2f} ms, {values[0]:.2f} ms the first time"
                print(line(f"{what}, {name}", figure), flush=True)


if __name__ == "__main__":
    main()
