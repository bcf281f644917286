"""A disk that fills up at many places of a run: one message, exit code 2, and the last good checkpoint goes on.

It needs root: each try has a small file system in memory, of which some bytes more are free than at the try before.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from runs import start, write_recipe


def main() -> None:
    """Try each, and print what was said."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        recipe = write_recipe(Path(name), steps=24)
        whole = Path(name) / "whole"
        more = ["--device", "cpu", "--set", "checkpoint.every=6", "--set", "log.pictures_minutes=0"]
        process = start("run", recipe, "-o", whole, *more)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        needed = sum(-(-path.stat().st_size // 4096) * 4 for path in whole.rglob("*") if path.is_file())
        bad = 0
        for place in range(options.places):
            kilobytes = 8 + (needed - 8) * place // options.places
            bad += not one(Path(name) / f"disk{place}", kilobytes, recipe, more)
    sys.exit(1 if bad else 0)


def one(folder: Path, kilobytes: int, recipe: Path, more: list[str]) -> bool:
    """Run on a disk of some kilobytes, then with room again, and return whether all was as it should be."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], check=True)
    try:
        process = start("run", recipe, "-o", folder / "run", *more)
        _, errors = process.communicate()
        said = [line for line in errors.splitlines() if line]
        good = process.returncode == 2 and len([line for line in said if line.startswith("Error:")]) == 1
        good = good and "Traceback" not in errors and not list(folder.rglob(".*.tmp"))
        saved = any((folder / "run" / "checkpoints").glob("*.pt"))
        good = good and ("last good checkpoint is" in errors or not any(folder.rglob("last.pt")))
        subprocess.run(["mount", "-o", "remount,size=200m", str(folder)], check=True)
        process = start("run", recipe, "-o", folder / "run", *more, *(["--resume"] if saved else []))
        printed, later = process.communicate()
        named = errors.partition("last good checkpoint is ")[2].partition(" (")[0]
        good = good and process.returncode == 0
        good = good and (not named or named.endswith("last.pt") or f"Continuing from {named}" in printed)
        print(f"{kilobytes} kB: {'good' if good else 'BAD'}, {'resumed' if saved else 'begun anew'}: {' '.join(said)}")
        if not good:
            print(later)
        return good
    finally:
        subprocess.run(["umount", str(folder)], check=True)


if __name__ == "__main__":
    main()
