"""Seconds until commands answer, against a bare program that prints a rich table through click."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import line

BARE = """
import click
@click.command()
def bare():
    from rich.console import Console
    from rich.table import Table
    table = Table("kind", "name")
    table.add_row("generator", "unet")
    Console().print(table)
bare()
"""
ROUNDS = 9


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "broken.toml").write_text("= 3")
        itrans = [str(Path(sys.executable).with_name("itrans"))]
        commands = {
            "bare click + rich": [sys.executable, "-c", BARE],
            "itrans --help": [*itrans, "--help"],
            "itrans list-plugins": [*itrans, "list-plugins"],
            "itrans list-plugins --long": [*itrans, "list-plugins", "--long"],
            "itrans run missing.toml": [*itrans, "run", "missing.toml"],
            "itrans run broken.toml": [*itrans, "run", "broken.toml"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for round_ in range(ROUNDS + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, cwd=folder, capture_output=True, check=False)
                if round_:
                    seconds[name].append(time.perf_counter() - began)
        for name, times in seconds.items():
            ratio = statistics.median(a / b for a, b in zip(times, seconds["bare click + rich"], strict=True))
            print(line(name, f"{statistics.median(times):.3f} s", ratio, "the bare program's time"))


if __name__ == "__main__":
    main()
