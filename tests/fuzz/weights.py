"""Files of weights that are not quite those of a network: each is imported, or refused by its name.

By hand, with as many as there is time for: `python tests/fuzz/weights.py --count 500 --seed 3`
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent.parent))  # for a call by hand; pytest has it there

from fuzz.checkpoints import ODD_VALUES, Case, failure, with_other_bytes, zip_faults
from guests.imports.published import PublishedPatchGAN, PublishedResNet, PublishedUNet, trained

from itrans.api import ItransError
from itrans.cli import cli


def cases(count: int, seed: int) -> Iterator[Case]:
    """Yield altered files of weights.

    Args:
        count: how many.
        seed: of what is drawn.
    """
    draw = random.Random(seed)
    networks = {
        "U-Net": (trained(PublishedUNet(6, 2)), import_generator),
        "ResNet": (trained(PublishedResNet(1, 2)), import_generator),
        "PatchGAN": (trained(PublishedPatchGAN(2, 2)), import_generator),
    }
    for _ in range(count):
        what, (network, run) = draw.choice(list(networks.items()))
        state = dict(network.state_dict())
        is_zip = draw.random() < 0.7
        how, altered = _altered(state, draw)
        content = saved(altered, is_zip=is_zip)
        if draw.random() < 0.2:
            how, content = with_other_bytes(saved(state, is_zip=is_zip), draw)
        elif draw.random() < 0.2:
            how, content = draw.choice(list(zip_faults(saved(state)).items()))
        yield Case(f"{what}: {how}", content, run)


def saved(record: Any, *, is_zip: bool = True) -> bytes:
    """Return a file of `torch.save`, in its format of today or in the older one."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(record, file, _use_new_zipfile_serialization=is_zip)
    return file.getvalue()


def import_generator(path: Path) -> None:
    """Import a file; what is said of it goes on as an error."""
    output = path.with_name("imported.pt")
    output.unlink(missing_ok=True)
    done = CliRunner().invoke(cli, ["import", str(path), "-o", str(output)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    if done.exit_code:
        assert not output.exists(), "something was written all the same"
        raise ItransError(done.stderr)


def _altered(state: dict[str, Any], draw: random.Random) -> tuple[str, Any]:
    name = draw.choice(list(state))
    own = state[name]
    changes: dict[str, Callable[[], Any]] = {
        "gone": lambda: {key: value for key, value in state.items() if key != name},
        "renamed": lambda: {f"{key}.x" if key == name else key: value for key, value in state.items()},
        "deep": lambda: state | {"model.model." + "1.model.3.model." * draw.choice((50, 5000)) + "1.weight": own},
        "numbered": lambda: state | {f"model.{draw.choice((999, 9999, 10**9))}.weight": own},
        "wrapped": lambda: {f"module.{key}": value for key, value in state.items()},
        "within": lambda: {"state_dict": state, "epoch": 3},
        "in a list": lambda: [state],
        "a number for a name": lambda: state | {5: own},
        "an odd value": lambda: state | {name: draw.choice(ODD_VALUES)},
        "meta": lambda: state | {name: own.to("meta")},
        "sparse": lambda: state | {name: own.to_sparse()},
        "quantised": lambda: state | {name: torch.quantize_per_tensor(own.float(), 0.1, 0, torch.qint8)},
        "nested": lambda: state | {name: torch.nested.nested_tensor([torch.zeros(1), torch.zeros(2)])},
        "expanded": lambda: state | {name: torch.zeros(1).expand(10**9)},
        "expanded as a convolution": lambda: state | {name: torch.zeros(1, 1, 1, 1).expand(30_000, 30_000, 4, 4)},
        "wide": lambda: state | {name: torch.zeros(100_000, 3, 1, 1)},
        "of no values": lambda: state | {name: torch.zeros(0, 3, 4, 4)},
        "of one value": lambda: state | {name: torch.zeros(())},
        "of another shape": lambda: state | {name: torch.zeros(3, 1)},
        "complex": lambda: state | {name: own.to(torch.complex64)},
        "true or false": lambda: state | {name: torch.ones(own.shape, dtype=torch.bool)},
        "whole numbers": lambda: state | {name: torch.ones(own.shape, dtype=torch.int64)},
        "of half precision": lambda: {key: value.half() for key, value in state.items()},
        "of double precision": lambda: {key: value.double() for key, value in state.items()},
        "not finite": lambda: state | {name: torch.full(own.shape, float("inf"))},
        "parameters": lambda: {key: torch.nn.Parameter(value, requires_grad=False) for key, value in state.items()},
        "empty": dict,
        "as it was": lambda: state,
    }
    what = draw.choice(list(changes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f"{name} {what}", changes[what]()


def main() -> None:
    """Try as many cases as the command line says, and print what fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(given.count, given.seed):
            if fault := failure(case, Path(folder, "altered.pth")):
                failures += 1
                print(fault)
    print(f"{failures} of {given.count} failed")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
