"""Runs the benchmarks one after the other, and prints one table of all figures, in Markdown.

```bash
python tests/benchmarks/all.py [--quick] [--only step ...] [--skip busy ...] [--old CHECKOUT] [--output FILE]
```

Each is a process of its own, whose output is shown while it runs. A benchmark that fails is a row of the table, and
the exit code is 1. Close other programs first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from figures import Figure, figure_of
from machine import circumstances, gpus

HERE = Path(__file__).resolve().parent


class Script(NamedTuple):
    """How a benchmark is run.

    Attributes:
        arguments: what it is given.
        quick: what it is given besides, to be done sooner.
        old: what it is given besides to compare with another checkout; `{old}` and `{new}` stand for the two.
        needs_old: whether it does nothing else.
        needs_gpu: whether it says nothing about a CPU.
        by_name: whether it is run only if it is asked for: it compares no speeds.
    """

    arguments: Sequence[str] = ()
    quick: Sequence[str] = ()
    old: Sequence[str] = ()
    needs_old: bool = False
    needs_gpu: bool = False
    by_name: bool = False


SCRIPTS: dict[str, Script] = {
    "step.py": Script(quick=["--rounds", "3"]),
    "gpu.py": Script(quick=["--rounds", "1", "--no-compile"], needs_gpu=True),
    "whole.py": Script(quick=["--rounds", "1"]),
    "translate.py": Script(),
    "memory.py": Script(),
    "startup.py": Script(),
    "loader.py": Script(),
    "made_pairs.py": Script(),
    "processes.py": Script(quick=["--rounds", "3"], old=["--before", "{old}"]),
    "busy.py": Script(quick=["--rounds", "3"]),
    "serve.py": Script(),
    "export.py": Script(),
    "tiles.py": Script(),
    "folders.py": Script(old=["{old}", "{new}"]),
    "shards.py": Script(),
    "list_plugins.py": Script(),
    "report.py": Script(),
    "labels.py": Script(by_name=True),
    "same_checkpoints.py": Script(old=["{old}", "{new}"], needs_old=True, by_name=True),
}
"""In the order of their rows."""
OTHERS = {
    "digits.py": "wants a checkpoint",
    "junyanz.py": "wants a checkout of another program",
    "timm_backbones.py": "prints the table of docs/timm.md",
}
"""Scripts that are not among them, and why."""


def figures_of(script: Path, arguments: Sequence[str]) -> list[Figure]:
    """Run a script, show what it prints, and return the figures; a last one says so if it has failed."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    found, began = [], time.monotonic()
    with subprocess.Popen(
        [sys.executable, str(script), *arguments], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        for text in process.stdout or ():
            print(text, end="", flush=True)
            if figure := figure_of(text):
                found.append(figure)
    print(f"({script.name} took {time.monotonic() - began:.0f} s)\n", flush=True)
    if process.returncode:
        return [*found, Figure("all of it", f"FAILED with exit code {process.returncode}", "")]
    return found or [Figure("all of it", "FAILED: it has printed no figure", "")]


def why_not(script: Script, options: argparse.Namespace) -> str | None:
    """Return why a script cannot be run here; None if it can."""
    if script.needs_old and options.old is None:
        return "skipped: it compares with another checkout, see --old"
    if script.needs_gpu and not gpus():
        return "skipped: there is no GPU here"
    return None


def table(rows: Sequence[tuple[str, Figure]]) -> str:
    """Return the rows, each with its script's name, in Markdown."""
    cells = [("script", "what", "figure", "ratio"), ("---",) * 4, *((name, *figure) for name, figure in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells)


def file_name(name: str) -> str:
    """Return a script's file for a name with or without the suffix."""
    return name.removesuffix(".py") + ".py"


def main(words: Sequence[str] | None = None, scripts: Mapping[str, Script] = SCRIPTS, folder: Path = HERE) -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names: dict[str, Any] = {"nargs": "+", "metavar": "NAME", "type": file_name, "choices": [*scripts]}
    parser.add_argument("--only", **names, help="run these, and no others")
    parser.add_argument("--skip", **names, default=[], help="leave these out")
    parser.add_argument("--quick", action="store_true", help="with few rounds, where a script has an option for it")
    parser.add_argument("--old", type=Path, metavar="CHECKOUT", help="another version, for scripts that compare two")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table to a file, too")
    options = parser.parse_args(words)
    chosen = options.only or [name for name, script in scripts.items() if not script.by_name]
    rows: list[tuple[str, Figure]] = []
    for name in chosen:
        script = scripts[name]
        if name in options.skip:
            continue
        if reason := why_not(script, options):
            print(f"{name} is {reason}\n", flush=True)
            rows.append((name, Figure("all of it", reason, "")))
            continue
        given = [*script.arguments, *(script.quick if options.quick else ())]
        if options.old is not None:
            given += [word.format(old=options.old.resolve(), new=HERE.parents[1]) for word in script.old]
        print(" ".join([f"$ python {name}", *given]), flush=True)
        rows += [(name, figure) for figure in figures_of(folder / name, given)]
    about = [f"- {what}: {value}" for what, value in circumstances().items()]
    text = "\n".join([*about, "", table(rows)]) + "\n"
    print(text)
    if options.output is not None:
        options.output.write_text(text)
    return int(any(figure.figure.startswith("FAILED") for _, figure in rows))


if __name__ == "__main__":
    sys.exit(main())
