"""Broken logs and results: those of a run and of a sweep with something changed.

`python tests/fuzz/logs.py --count 1000 --seed 1` prints those that itrans answers wrongly.
"""

from __future__ import annotations

import itertools
import json
import random
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from itrans.errors import ItransError
from itrans.training.record import RunFolder, read_log
from itrans_sweep.members import earlier_results

MOST_SECONDS = 5.0
LOG: list[dict[str, Any]] = [
    {"event": "start", "step": 0, "pairs": 8, "device": "cpu"},
    {"event": "step", "step": 1, "epoch": 1, "losses": {"generator.l1": 0.5}, "lr": 0.0002},
    {"event": "validation", "step": 1, "epoch": 1, "metrics": {"l1": 0.25, "psnr": 12.0}, "better": True},
    {"event": "end", "step": 1, "outcome": "finished"},
]
RESULTS: list[dict[str, Any]] = [
    {"name": "tiny", "recipe": "tiny.toml", "seed": None, "folder": "out/tiny", "state": "finished", "steps": 1}
]
ODD: list[Any] = [None, True, -1, 5, 2**70, 1e400, float("nan"), "", "x" * 10_000, [], {}, [[]], {"a": None}, "\x1b[2J"]
RAW = [
    *(b"5", b"[]", b"{}", b"null", b'"x"', b'{"step": null}', b'{"event": 3, "step": 1}', b"\xff\xfe\x00", b"{", b"}"),
    *(b"[" * 50_000, b'{"a":' * 50_000, b'{"event": "step", "step": ' + b"9" * 6000 + b"}", b"\0" * 5000, b"\r", b" "),
]


def altered(value: Any, chance: random.Random) -> Any:
    """Return a copy of nested data with one value, or key, changed."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.2:
            return {name: inner for name, inner in value.items() if name != key}
        return {**value, key: altered(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        place = chance.randrange(len(value))
        return [*value[:place], altered(value[place], chance), *value[place + 1 :]]
    return chance.choice(ODD)


def mutated(data: list[dict[str, Any]], lines: bool, chance: random.Random) -> bytes:
    """Return data as a file, with values and then bytes changed."""
    found: Any = altered(data, chance) if chance.random() < 0.7 else data
    if lines and isinstance(found, list):
        parts = [json.dumps(line).encode() for line in found]
        if chance.random() < 0.5:
            parts.insert(chance.randrange(len(parts) + 1), chance.choice(RAW))
        whole = bytearray(b"\n".join(parts) + b"\n")
    else:
        whole = bytearray(json.dumps(found).encode())
    if whole and chance.random() < 0.3:
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    return bytes(whole[: chance.choice([len(whole), len(whole), chance.randrange(len(whole) + 1)])])


def cases(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many files: which of the two it is, and its content."""
    chance = random.Random(seed)
    made = [(name, content) for name in ("log.jsonl", "results.json") for content in RAW]
    chance.shuffle(made)
    endless = (
        (name, mutated(LOG if name == "log.jsonl" else RESULTS, name == "log.jsonl", chance))
        for name in itertools.cycle(("log.jsonl", "results.json"))
    )
    return itertools.islice(itertools.chain(made, endless), count)


def fault(name: str, content: bytes, folder: Path) -> str | None:
    """Return what is wrong with how a file is read; None if it is read, or refused by its name and left as it is."""
    path = folder / name
    path.write_bytes(content)
    began = time.monotonic()
    try:
        if name == "log.jsonl":
            read_log(path)
            RunFolder(folder).rewind_log(1, 0)
            read_log(path)
        else:
            earlier_results(folder)
    except ItransError as error:
        if str(path) not in str(error) or len(str(error)) > 2000 or not str(error).replace("\n", "").isprintable():
            return f"its message: {error!r:.300}"
        if path.read_bytes() != content:
            return "it has been changed"
    except BaseException:
        return traceback.format_exc(limit=-3)
    seconds = time.monotonic() - began
    return f"it takes {seconds:.1f} s" if seconds > MOST_SECONDS else None


if __name__ == "__main__":
    from trying import try_many  # beside this file, where a script looks first

    try_many(__doc__, cases, fault)
