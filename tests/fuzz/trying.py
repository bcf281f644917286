"""The command line of a fuzzer whose cases are files."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def try_many(
    description: str,
    cases: Callable[[int, int], Iterator[tuple[str, bytes]]],
    fault: Callable[[str, bytes, Path], str | None],
) -> None:
    """Try as many cases as the command line says, and print those that are taken wrongly.

    Args:
        description: of the fuzzer, for `--help`.
        cases: yields, for a count and a seed, names and contents.
        fault: returns what is wrong with how a case is taken, given an empty folder; or None.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong = 0
    for number, (name, content) in enumerate(cases(options.count, options.seed)):
        with tempfile.TemporaryDirectory() as folder:
            if found := fault(name, content, Path(folder)):
                wrong += 1
                print(f"{number}: {name} {content[:200]!r}\n{found}\n", flush=True)
    print(f"{wrong} of {options.count} are taken wrongly")
