"""The files of an export, all of which are there at the end, or none."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from itrans.api import OutputError, PluginError
from itrans.commands import folder_made

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from itrans_export.description import Description
    from itrans_export.program import Program

_HALF = 2.0**-10
"""How far numbers of 16 bits are apart, as a part of the number."""

_PACKAGES = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "safetensors": ("safetensors",)}
"""What is needed besides PyTorch."""


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder for what is to be in `folder`, where it is when the block ends; if the block fails, nothing is.

    Raises:
        OutputError: there is something in the folder's place, or it cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        what = "is a folder that holds something" if folder.is_dir() else "is a file"
        raise OutputError(f"{folder} {what}: -o names a new folder, or an empty one.")
    is_there = folder.exists()
    name = f".{folder.name}.{os.getpid()}.tmp"
    temporary = folder / name if is_there else folder.with_name(name)
    try:
        with folder_made(temporary):
            try:
                yield temporary
                if is_there:
                    for path in sorted(temporary.iterdir(), key=lambda path: path.stat().st_size):  # the network last
                        path.rename(folder / path.name)
                else:
                    temporary.rename(folder)
            except OSError as error:
                raise OutputError(f"{folder} cannot be written: {error.strerror or error}.") from error
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OutputError as error:
        raise OutputError(str(error).replace(str(temporary), str(folder))) from error


def refuse_missing_packages(to: str) -> None:
    """Raise `PluginError` if what writes a format is not installed."""
    for name in _PACKAGES.get(to, ()):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise PluginError(
                f"--to {to} needs {name}, which is not installed: pip install 'itrans[export]'"
            ) from error


def write_onnx(path: Path, program: Program, description: Description) -> None:
    """Write a program as ONNX, with its description."""
    names = ["source", *(f"noise_{number}" for number, _ in enumerate(description.noise, start=1))]
    made = torch.onnx.export(program.exported, dynamo=True, input_names=names, output_names=["output"], verbose=False)
    assert made is not None
    made.model.metadata_props.update(description.as_texts())
    made.save(str(path))


def write_pt2(path: Path, program: Program, description: Description) -> None:
    """Write a program as PyTorch does, with its description inside and beside it."""
    buffer = io.BytesIO()
    program.exported.example_inputs = None  # they would be the larger part of a small network's file
    torch.export.save(program.exported, buffer, extra_files={"itrans.json": json.dumps(description.as_data())})
    path.write_bytes(buffer.getvalue())
    write_json(path.with_suffix(".json"), description.as_data())


def write_safetensors(
    folder: Path, states: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str], *, half: bool
) -> None:
    """Write the weights of each network, with texts in their header."""
    from safetensors.torch import save

    for name, state in states.items():
        tensors = {}
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                value = _halved(value) if half and value.is_floating_point() else value
                tensors[key] = value.clone(memory_format=torch.contiguous_format)
        header = {**texts, "itrans.network": name, "format": "pt"}
        (folder / f"{name}.safetensors").write_bytes(save(tensors, header))


def _halved(value: torch.Tensor) -> torch.Tensor:
    """Return a tensor in 16 bits; as it is where its values are too large or too small for these."""
    half = value.half()
    largest = value.abs().max() if value.numel() else value.sum()
    return half if ((half.to(value.dtype) - value).abs() <= largest * _HALF).all() else value


def write_json(path: Path, data: object) -> None:
    """Write plain values for people to read."""
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
