"""From a checkpoint to a folder with its network, checked against the checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch.nn import functional

from itrans.api import ItransError
from itrans.commands import Translator, checkpoint_path, load_checkpoint
from itrans_export.description import Description, describe
from itrans_export.files import (
    new_folder,
    refuse_missing_packages,
    write_json,
    write_onnx,
    write_pt2,
    write_safetensors,
)
from itrans_export.fixed import described_values, fixed_values
from itrans_export.layers import (
    depends_on_size,
    drawn_values,
    is_random,
    modules_of,
    normalizes_by_picture,
    turn_dropout_off,
)
from itrans_export.parity import FailedRunError, largest_difference
from itrans_export.pictures import pictures_of
from itrans_export.program import NO_OTHER, Translation, multiple_of, program_of
from itrans_export.script import is_simple, script_of
from itrans_export.session import OnnxNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from itrans.commands import CheckpointFile
    from itrans_export.parity import Run
    from itrans_export.program import Program

Dropout: TypeAlias = Literal["off", "seeded"]


@dataclass(frozen=True)
class Export:
    """What has been written.

    Attributes:
        checkpoint: the file that it was made of.
        description: what it says of itself.
        sizes: the names of the files, and how many bytes they have; the network is the first.
        has_dropout: whether the network has dropout in training.
        networks: what the checkpoint calls the networks.
        preparation: what the data set did to pictures before they were sources; empty for nothing.
        reason: why it takes one size only, where nobody has asked for that.
        difference: how far a value of its outputs is from the checkpoint's, at most, where black is 0 and white 1; None
            where it was not checked, for it is weights alone.
        pictures: on which pictures.
    """

    checkpoint: Path
    description: Description
    sizes: dict[str, int]
    has_dropout: bool = False
    networks: tuple[str, ...] = ()
    preparation: str = ""
    reason: str = ""
    difference: float | None = None
    pictures: str = ""


def export_network(
    checkpoint: str,
    folder: Path,
    *,
    to: Literal["onnx", "pt2"] = "onnx",
    mode: Literal["paper", "running"] = "paper",
    dropout: Dropout = "off",
    seed: int = 0,
    direction: str | None = None,
    size: tuple[int, int] | None = None,
    pictures: Path | None = None,
    tolerance: float = 0.002,
    options: Mapping[str, Any] | None = None,
    extras: Mapping[str, Any] | None = None,
) -> Export:
    """Write a checkpoint's translation as a program, if its outputs are the checkpoint's.

    Args:
        checkpoint: a file, or a run's folder.
        folder: where to; a new or an empty one.
        to: the format.
        mode: `paper` or `running`, see `itrans.api.load`.
        dropout: in mode `paper`: none, or the mask of a seed, which makes the size of pictures a fixed one.
        seed: of that mask, and of noise that has the size of a feature map.
        direction: the method's; None is its first.
        size: the only height and width; None for any that the network takes.
        pictures: a folder of pictures to check it on; None for held-out ones of the run.
        tolerance: how far a value of an output may be from the checkpoint's, where black is 0 and white is 1.
        options: of the method, by name, which become part of the network.
        extras: the same: numbers, or names of a choice.

    Raises:
        ItransError: the checkpoint cannot be used, or not be exported, or the outputs differ; nothing is written then.
    """
    if dropout == "seeded" and mode == "running":
        raise ItransError("--dropout seeded goes with --mode paper: mode running has no dropout.")
    refuse_missing_packages(to)
    path = checkpoint_path(checkpoint)
    record = load_checkpoint(path)
    translator = _translator(record, path, mode, seed)
    translator.specs(direction)  # there is such a direction
    direction = direction or translator.directions[0]
    fixed = fixed_values(translator, options or {}, extras or {})
    with new_folder(folder) as inner:
        shown = pictures_of(record, path, translator, direction, pictures)
        networks = [*translator.generators.values()]
        has_dropout = any(map(is_random, modules_of(networks)))
        if dropout == "off" or mode == "running":
            turn_dropout_off(networks)
        example = shown.planes[0] if size is None else functional.interpolate(shown.planes[0], size)
        drawn, reason = _drawn(translator, direction, seed, example, fixed)
        prepares = None if translator.goes_back(direction) else translator.preparation
        preparation = prepares.what if prepares else ""

        def attempt(*, is_fixed: bool) -> tuple[Program, Description, float]:
            network = Translation(_translator(record, path, mode, seed), direction, drawn, fixed)
            sides = example.shape[2], example.shape[3]
            program = program_of(network, translator.specs(direction)[0].planes, sides, is_fixed=is_fixed)
            description = describe(
                translator,
                record,
                direction,
                size_multiple=network.size_multiple,
                size=program.size,
                any_batch=program.any_batch,
                dropout="seeded" if mode == "paper" and any(map(is_random, modules_of(networks))) else "off",
                seed=seed,
                noise=tuple((module.shape, str(module.distribution)) for module in network.feed.modules),
                whole_pictures=normalizes_by_picture(networks, mode),
                **described_values(translator, fixed),
            )
            run = _write(inner, to, program, description, preparation)
            return program, description, largest_difference(translator, description, run, shown.planes, fixed)

        is_fixed = size is not None or bool(drawn)
        try:
            program, description, difference = attempt(is_fixed=is_fixed)
        except FailedRunError:  # some of what an exporter takes for any size is right for one only
            if is_fixed:
                raise
            program, description, difference = attempt(is_fixed=True)
            reason = NO_OTHER
        if not difference <= tolerance:
            raise ItransError(
                f"Nothing is exported: outputs of the {to} file differ from the checkpoint's by up to {difference:.2g} "
                f"(black is 0, white is 1) on {shown.phrase}, and --tolerance is {tolerance:g}. If the generator draws "
                "random numbers by itself, let the class Noise of itrans.api draw them."
            )
        sizes = _sizes(inner)
    return Export(
        checkpoint=path,
        description=description,
        sizes=sizes,
        has_dropout=has_dropout,
        networks=tuple(translator.generators),
        preparation=preparation,
        reason=reason or program.reason,
        difference=difference,
        pictures=shown.phrase,
    )


def export_weights(checkpoint: str, folder: Path, *, half: bool = False) -> Export:
    """Write the weights of a checkpoint's generators as safetensors, and its recipe beside them.

    Raises:
        ItransError: the checkpoint cannot be used, or the folder cannot be written; nothing is written then.
    """
    refuse_missing_packages("safetensors")
    path = checkpoint_path(checkpoint)
    record = load_checkpoint(path)
    translator = _translator(record, path, "paper", 0)
    multiple = multiple_of(translator.generators.values())
    description = describe(translator, record, translator.directions[0], size_multiple=multiple)
    with new_folder(folder) as inner:
        states = {name: record.generator_states[name] for name in translator.generators}
        left_out: dict[str, Any] = {"networks": [*states], "method": {}, "training": {}}
        texts = description.as_texts() | {"itrans.checkpoint": json.dumps(record.as_data() | left_out)}
        write_safetensors(inner, states, texts, half=half)
        write_json(inner / "recipe.json", record.recipe)
        sizes = _sizes(inner)
    return Export(path, description, sizes, networks=tuple(states))


def _translator(record: CheckpointFile, path: Path, mode: Literal["paper", "running"], seed: int) -> Translator:
    return Translator(path, device="cpu", mode=mode, seed=seed, precision="fp32", record=record)


def _drawn(
    translator: Translator, direction: str, seed: int, example: Tensor, fixed: Mapping[str, Any]
) -> tuple[list[dict[Any, Tensor]], str]:
    """Return what random layers draw for a picture, and why that makes its size the only one."""
    modules = modules_of(translator.generators.values())
    if translator.mode == "paper" and any(map(is_random, modules)):
        reason = "a mask of dropout is part of the network, and has one size"
    elif any(map(depends_on_size, modules)):
        reason = "noise of the size of a feature map is part of the network"
    else:
        return [], ""
    return drawn_values(translator, example, direction, seed, fixed), reason


def _write(inner: Path, to: str, program: Program, description: Description, preparation: str) -> Run:
    """Write the files, and return what runs the network that is in them."""
    if to == "pt2":
        write_pt2(inner / "model.pt2", program, description)
        loaded = torch.export.load(inner / "model.pt2").module()
        return lambda source, noise: loaded(source, *noise)
    write_onnx(inner / "model.onnx", program, description)
    if is_simple(description):
        (inner / "translate.py").write_text(script_of(description, preparation), encoding="utf-8")
    return OnnxNetwork(inner / "model.onnx").run


def _sizes(folder: Path) -> dict[str, int]:
    found = {path.name: path.stat().st_size for path in folder.iterdir()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
