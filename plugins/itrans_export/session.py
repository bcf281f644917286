"""Runs an exported ONNX file, for `itrans translate model.onnx` and for the check of an export."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from itrans.api import CheckpointError, DataError, Noise, PluginError, apply_generator, error_text
from itrans.commands import CheckpointFile
from itrans_export.description import Description

_MOST_CHARACTERS = 300
_FINEST = 64
"""The largest denominator of a scale."""

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from itrans.api import Batch, Runtime


class OnnxNetwork(nn.Module):
    """A file's network, as a generator; it computes on the CPU.

    Args:
        path: the file.

    Attributes:
        description: what it says of itself.
        size_multiple: of which height and width are multiples.
        scale: how many times as high and wide the output is.
        whole_pictures: whether parts of a picture would be normalised otherwise than the whole.

    Raises:
        PluginError: ONNX Runtime is not installed.
        CheckpointError: the file is no such network.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise PluginError(
                f"{path} needs onnxruntime, which is not installed: pip install 'itrans[export]'"
            ) from error
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised, and need not be printed besides
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has a class for each kind of fault
            raise CheckpointError(f"{path} is not an ONNX file that can be run: {error_text(error)}") from error
        texts = self._session.get_modelmeta().custom_metadata_map
        self.description = Description.from_texts(texts, path)
        self.size_multiple = self.description.size_multiple
        self.scale = Fraction(self.description.scale).limit_denominator(_FINEST)
        self.whole_pictures = self.description.whole_pictures
        self._path = path
        self.noise = nn.ModuleList(
            Noise(*shape, distribution=distribution)  # type: ignore[arg-type]
            for shape, distribution in self.description.noise
        )

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, C, H, W)`.

        Raises:
            DataError: it takes another size only.
        """
        size = self.description.size
        if size is not None and tuple(source.shape[2:]) != size:
            height, width = size
            raise DataError(
                f"{self._path} takes pictures of {width}x{height} only, and this one is "
                f"{source.shape[3]}x{source.shape[2]} with its margin. Scale it, or translate with the checkpoint."
            )
        return self.run(source, [module(source) for module in self.noise])

    def run(self, source: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """Translate `(N, C, H, W)` with noise of one's own."""
        if len(source) > 1 and not self.description.any_batch:
            singles = zip(*(torch.split(values, 1) for values in (source, *noise)), strict=True)
            return torch.cat([self.run(one, rest) for one, *rest in singles])
        names = [entry.name for entry in self._session.get_inputs()]
        inputs = {
            name: values.detach().contiguous().numpy() for name, values in zip(names, (source, *noise), strict=True)
        }
        try:
            (output,) = self._session.run(None, inputs)
        except Exception as error:  # of its runtime, which has no name for most of them
            height, width = source.shape[2:]
            reason = str(error).splitlines()[0][:_MOST_CHARACTERS]
            raise ValueError(f"{self._path} does not translate pictures of {width}x{height}: {reason}") from error
        return torch.from_numpy(output)


class ExportedMethod:
    """Translates with one network, in one direction; it cannot be trained."""

    def __init__(self, network: OnnxNetwork) -> None:
        self.networks: Mapping[str, nn.Module] = {"model": network}
        self.generators = ("model",)
        self.directions = (network.description.direction,)
        self._network = network

    def translate(self, source: Tensor, direction: str = "") -> Tensor:
        """Translate `(N, C, H, W)` in [-1, 1]."""
        return apply_generator(self._network, source)

    def step(self, batch: Batch, runtime: Runtime) -> Mapping[str, Tensor]:
        """Refuse to train.

        Raises:
            PluginError: always.
        """
        raise PluginError("An exported network cannot be trained: train with its checkpoint.")


@dataclass(frozen=True)
class ExportedModel:
    """What `itrans translate` needs of a file that is no checkpoint."""

    record: CheckpointFile
    method: ExportedMethod
    mode: Literal["paper", "running"]


def open_onnx(path: Path) -> ExportedModel:
    """Return what translates with an ONNX file that itrans has exported.

    Raises:
        ItransError: see `OnnxNetwork`.
    """
    network = OnnxNetwork(path)
    said = network.description
    recipe: dict[str, Any] = {"title": said.title, "dataset": said.dataset}
    record = CheckpointFile(recipe=recipe, sample=said.sample, source=said.source, target=said.target, networks={})
    return ExportedModel(record, ExportedMethod(network), "running" if said.mode == "running" else "paper")
