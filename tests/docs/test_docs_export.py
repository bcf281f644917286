"""What the page on exporting shows is done in order: a folder, its script, and its network in ONNX Runtime."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

from docs.pages import ROOT, blocks_of


def comparable(text: str) -> str:
    """Return a text without its numbers, and without where its lines end."""
    return " ".join(re.sub(r"\d[\d.e-]*( [kM]B)?", "N", text).split())


def test_the_page_is_right_from_top_to_bottom(workplace, itrans, monkeypatch):
    monkeypatch.chdir(workplace)
    page = blocks_of(ROOT / "docs" / "export.md")
    (console,) = [block for block in page if block.language == "console"]
    command, *shown = console.text.splitlines()
    done = itrans(*shlex.split(command)[2:])
    assert done.exit_code == 0, done.output
    assert comparable(done.stderr + done.stdout).replace("last.pt", "best.pt") == comparable("\n".join(shown)).replace(
        # the network of the tests has no dropout
        "dropout off",
        "dropout none",
    ).partition(" note ")[0] + " " + comparable("\n".join(shown[-2:]))
    commands = [line for block in page if block.language == "bash" for line in block.text.splitlines()]
    (script,) = [shlex.split(line)[1:] for line in commands if line.startswith("python ")]
    subprocess.run([sys.executable, *script], check=True)
    assert (workplace / "out" / "cat.png").is_file()
    (block,) = [block for block in page if block.language == "python"]
    exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})
