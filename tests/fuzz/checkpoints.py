"""Checkpoints that somebody has altered, or that a disk or a network has: each is used, or refused by its name.

By hand, with as many as there is time for: `python tests/fuzz/checkpoints.py --count 500 --seed 3`
"""

from __future__ import annotations

import argparse
import copy
import io
import random
import tempfile
import traceback
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from click.testing import CliRunner

from itrans.api import ItransError, load
from itrans.cli import cli
from itrans_evaluate import evaluate_checkpoint
from itrans_inspect.subject import load_subject

RECIPE = """\
title = "fuzzed"
[dataset]
name = "aligned"
root = "{root}"
[generator]
name = "unet"
depth = 2
filters = 2
[discriminator]
name = "patchgan"
patch = 16
filters = 2
[[loss]]
name = "cgan"
[[loss]]
name = "l1"
weight = 100.0
[train]
batch_size = 2
steps = 2
precision = "fp32"
ema = 0.5
"""
SIZE = 16


class Case(NamedTuple):
    """A file that is not what it was.

    Attributes:
        name: what has become of it.
        content: its bytes.
        run: uses it in this process, by its path.
    """

    name: str
    content: bytes
    run: Callable[[Path], None]


def cases(count: int, seed: int, folder: Path) -> Iterator[Case]:
    """Yield altered checkpoints.

    Args:
        count: how many.
        seed: of what is drawn.
        folder: for a small run, whose last checkpoint is altered.
    """
    draw = random.Random(seed)
    content = trained(folder)
    record = torch.load(io.BytesIO(content), weights_only=True)
    places = list(_places(record))
    for _ in range(count):
        name, run = draw.choice(list(runs(folder).items()))
        kind = draw.choice(("value", "value", "value", "tensor", "zip", "bytes"))
        if kind == "value":
            path = draw.choice(places)
            what, altered = _altered(record, path, draw)
        elif kind == "tensor":
            path = draw.choice([place for place in places if isinstance(_at(record, place), torch.Tensor)])
            what, altered = _with_odd_tensor(record, path, draw)
        elif kind == "zip":
            what, altered = draw.choice(list(zip_faults(content).items()))
        else:
            what, altered = with_other_bytes(content, draw)
        yield Case(f"{name}: {what}", altered, run)


def failure(case: Case, path: Path) -> str | None:
    """Return what is wrong with what comes of a case: nothing, if it works or if an error names the file."""
    path.write_bytes(case.content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            case.run(path)
    except ItransError as error:
        return None if path.name in str(error) else f"{case.name}: the file is not named: {error}"
    except BaseException:
        return f"{case.name}:\n{traceback.format_exc()}"
    return None


def trained(folder: Path) -> bytes:
    """Return the last checkpoint of two steps of training."""
    draw = np.random.default_rng(0)
    (folder / "data" / "train").mkdir(parents=True)
    for number in range(4):
        picture = draw.integers(0, 256, (SIZE, 2 * SIZE, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "data" / "train" / f"{number}.png"), picture)
    (folder / "fuzzed.toml").write_text(RECIPE.format(root=(folder / "data").as_posix()), encoding="utf-8")
    done = CliRunner().invoke(cli, ["run", str(folder / "fuzzed.toml"), "-o", str(folder / "run")])
    assert done.exit_code == 0, done.output
    return (folder / "run" / "checkpoints" / "last.pt").read_bytes()


def runs(folder: Path) -> dict[str, Callable[[Path], None]]:
    """Return what a checkpoint can be used for, each given its path; `folder` is that of `trained`."""

    def translate(path: Path) -> None:
        load(path, device="cpu").translate(np.zeros((SIZE, SIZE, 3), np.uint8))

    def inspect(path: Path) -> None:
        load_subject(str(path))

    def evaluate(path: Path) -> None:
        evaluate_checkpoint(path, split="train", device="cpu")

    def resume(path: Path) -> None:
        run = folder / "resumed"
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        (run / "checkpoints" / "last.pt").write_bytes(path.read_bytes())
        arguments = ["run", folder / "fuzzed.toml", "-o", run, "--resume", "--set", "train.steps=3"]
        done = CliRunner().invoke(cli, list(map(str, arguments)))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        if done.exit_code:
            raise ItransError(done.stderr.replace("last.pt", path.name))

    return {"translate": translate, "inspect": inspect, "evaluate": evaluate, "resume": resume}


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of every value in a record, containers included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _at(record: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        record = record[key]
    return record


def _with(record: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> bytes:
    """Return a file of a record in which a container has been changed, given that and a key of it."""

    def changed(value: Any, path: tuple[Any, ...]) -> Any:
        found = copy.copy(value) if isinstance(value, dict | list) else list(value)
        if len(path) == 1:
            change(found, path[0])
        else:
            found[path[0]] = changed(value[path[0]], path[1:])
        return tuple(found) if isinstance(value, tuple) else found

    file = io.BytesIO()
    torch.save(changed(record, path), file)
    return file.getvalue()


ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 3, 2**40, 10**30, 0.5, -1.0, float("nan"), float("inf"), "", "x", "\ud800", "\x1b[31m",
    "x" * 2_000_000, b"x", [], [1], ["x"], (), (1, "x"), {}, {"x": 1}, {1: 2}, {"name": "x"}, torch.zeros(1),
    torch.float32, {1, 2}, 1j, OrderedDict(x=1), [[[]]],
)  # fmt: skip


def _altered(record: Any, path: tuple[Any, ...], draw: random.Random) -> tuple[str, bytes]:
    where = ".".join(map(str, path))
    container = _at(record, path[:-1])
    match draw.choice(("odd", "odd", "odd", "gone", "more")):
        case "gone" if not isinstance(container, tuple):
            return f"{where} is gone", _with(record, path, lambda inside, key: inside.__delitem__(key))
        case "more" if isinstance(container, dict):
            return f"{where}: one more", _with(record, path, lambda inside, _: inside.__setitem__("one_more", 1))
    odd = draw.choice(ODD_VALUES)
    return f"{where} is {str(odd)[:40]!r}", _with(record, path, lambda inside, key: inside.__setitem__(key, odd))


def _with_odd_tensor(record: Any, path: tuple[Any, ...], draw: random.Random) -> tuple[str, bytes]:
    own = _at(record, path)
    odd: dict[str, Callable[[], Any]] = {
        "meta": lambda: own.to("meta"),
        "sparse": lambda: own.to_sparse(),
        "quantised": lambda: torch.quantize_per_tensor(own.float(), 0.1, 0, torch.qint8),
        "nested": lambda: torch.nested.nested_tensor([torch.zeros(1), torch.zeros(2)]),
        "expanded": lambda: torch.zeros(1).expand(10**9),
        "expanded in its shape": lambda: torch.zeros(1).reshape([1] * own.ndim).expand(own.shape),
        "of another shape": lambda: torch.zeros(3, 1),
        "of one value": lambda: torch.zeros(()),
        "of no values": lambda: torch.zeros(0),
        "complex": lambda: torch.zeros(own.shape, dtype=torch.complex64),
        "true or false": lambda: torch.zeros(own.shape, dtype=torch.bool),
        "whole numbers": lambda: torch.zeros(own.shape, dtype=torch.int64),
        "of half precision": lambda: own.half(),
        "no numbers": lambda: torch.full(own.shape, float("nan")),
        "a parameter": lambda: torch.nn.Parameter(own.float()),
        "a storage": lambda: own.untyped_storage(),
    }
    what = draw.choice(list(odd))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor = odd[what]()
        altered = _with(record, path, lambda inside, key: inside.__setitem__(key, tensor))
    return f"{'.'.join(map(str, path))} is {what}", altered


def with_other_bytes(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """Return a file that is cut off, or has noise in it, and what was done."""
    place, length = draw.randrange(len(content)), draw.choice((1, 4, 100))
    if draw.random() < 0.3:
        return f"cut at {place}", content[:place]
    noise = draw.randbytes(length)
    return f"{length} other bytes at {place}", content[:place] + noise + content[place + length :]


def zip_faults(content: bytes) -> dict[str, bytes]:
    """Return what becomes of a file whose zip archive is written by another program, or is not whole, by its name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    values = [name for name in parts if "/data/" in name and parts[name]]
    root = values[0].partition("/")[0]
    some = values[len(values) // 2]

    def packed(parts: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, part in parts.items():
                archive.writestr(name, part)
        return file.getvalue()

    def twice() -> bytes:
        file = io.BytesIO(content)
        with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr(some, b"\1" * 64)
        return file.getvalue()

    def encrypted() -> bytes:
        found = bytearray(content)
        found[found.find(b"PK\x01\x02") + 8] |= 1
        return bytes(found)

    return {
        "deflated": packed(parts, zipfile.ZIP_DEFLATED),
        "bzip2": packed(parts, zipfile.ZIP_BZIP2),
        "lzma": packed(parts, zipfile.ZIP_LZMA),
        "stored anew": packed(parts),
        "backwards": packed(dict(reversed(parts.items()))),
        "under another name": packed({f"other/{name.partition('/')[2]}": part for name, part in parts.items()}),
        "without a folder": packed({name.partition("/")[2]: part for name, part in parts.items()}),
        "junk after": content + b"\0" * 1000,
        "junk before": b"junk" + content,
        "a short part": packed(parts | {some: parts[some][:1]}),
        "an empty part": packed(parts | {some: b""}),
        "a long part": packed(parts | {some: parts[some] * 2}),
        "a missing part": packed({name: part for name, part in parts.items() if name != some}),
        "two of one name": twice(),
        "encrypted": encrypted(),
        "another order of bytes": packed(parts | {f"{root}/byteorder": b"middle"}),
        "a newer PyTorch": packed(parts | {f"{root}/version": b"99\n"}),
        "no record": packed({name: part for name, part in parts.items() if not name.endswith("data.pkl")}),
        "a record of junk": packed(parts | {f"{root}/data.pkl": b"\x80\x02junk."}),
        "empty": b"",
    }


def main() -> None:
    """Try as many cases as the command line says, and print what fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(given.count, given.seed, Path(folder)):
            if fault := failure(case, Path(folder, "altered.pt")):
                failures += 1
                print(fault)
    print(f"{failures} of {given.count} failed")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
