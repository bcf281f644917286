"""What a run's page costs the run, and how long `itrans report` takes for a run of 200 epochs.

```bash
python tests/benchmarks/report.py [RECIPE] [--set KEY=VALUE ...]
```

The share of a run's time is measured inside the run: the time spent in the page, and in keeping pairs for it, over the
time of all. A run with and one without would differ by more than that from minute to minute.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from figures import line

sys.path.insert(0, str(Path(__file__).parents[1]))
from made_runs import made_run

from itrans.cli import cli
from itrans.training.kept_pairs import KeptPairs
from itrans_report.page import Page

ROOT = Path(__file__).parents[2]
METHODS = [(Page, name) for name in ("start", "scalars", "pairs", "pictures", "finish")]
METHODS += [(KeptPairs, name) for name in ("add", "result")]
GRIDS = (1180, 788)
"""Height and width of a grid of six rows of pictures of 256x256 is (1590, 788)."""


def timed(method: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    """Return a method that adds up how long its calls take."""

    @functools.wraps(method)
    def call(*arguments: Any, **keywords: Any) -> Any:
        began = time.perf_counter()
        try:
            return method(*arguments, **keywords)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

    return call


def share_of_a_run(recipe: Path, overrides: list[str], folder: Path) -> None:
    """Train, and print how much of the time the page has taken."""
    spent: dict[str, float] = {}
    for owner, name in METHODS:
        setattr(owner, name, timed(getattr(owner, name), spent, f"{owner.__name__}.{name}"))
    words = [word for change in overrides for word in ("--set", change)]
    began = time.perf_counter()
    done = CliRunner().invoke(cli, ["run", str(recipe), "--sample", "-o", str(folder), *words])
    seconds = time.perf_counter() - began
    if done.exit_code:
        raise SystemExit(done.output)
    total = sum(spent.values())
    parts = ", ".join(f"{name} {value:.3f}" for name, value in spent.items())
    print(line(f"the page of a run of {seconds:.0f} s", f"{total:.2f} s, {total / seconds:.2%} ({parts})"))


def seconds_of_reports(folder: Path) -> None:
    """Print how long the page of a run with 200 epochs takes: the first time, and with its grids encoded."""
    made_run(folder, epochs=200, steps=100, size=GRIDS)
    for what in ("first", "again", "again"):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "itrans", "report", str(folder)], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        size = (folder / "index.html").stat().st_size / 1e6
        named = f"itrans report of 200 epochs, 20,000 lines of losses, {what}"
        print(line(named, f"{seconds:.2f} s, a page of {size:.1f} MB"), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", type=Path, default=ROOT / "recipes" / "pix2pix_facades.toml")
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        seconds_of_reports(Path(place, "long"))
        share_of_a_run(given.recipe, given.overrides, Path(place, "run"))


if __name__ == "__main__":
    main()
