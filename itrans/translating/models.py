"""What a file translates with: a checkpoint's generators, or a network that a package opens by the file's suffix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from itrans.checkpoint.file import load_checkpoint
from itrans.errors import DeviceError, ItransError, PluginError, error_text
from itrans.training.devices import choose_device, choose_dtype, memory_format_at_test_time
from itrans.translating.generators import Generators
from itrans.translating.media import origin_of_model

if TYPE_CHECKING:
    from pathlib import Path

    from itrans.checkpoint.file import CheckpointFile
    from itrans.networks.test_mode import Mode
    from itrans.protocols import Method
    from itrans.training.devices import Precision


class Model(Protocol):
    """What translates, and is in a file that is no checkpoint.

    An entry point of the group `itrans.models` has a suffix for its name, such as `onnx`, and stands for a function
    that makes one of a path, on the CPU and in fp32. It raises an `ItransError` for a file that it cannot open.
    """

    @property
    def record(self) -> CheckpointFile:
        """Its specs, and the title and the data set of its recipe; without weights."""

    @property
    def method(self) -> Method:
        """What translates; its generators are modules without weights of their own."""

    @property
    def mode(self) -> Mode:
        """The only one that it translates in."""


@dataclass(frozen=True)
class Backend:
    """A file's networks, and how they compute.

    Attributes:
        record: what the file says.
        generators: the networks.
        mode: how they behave at test time.
        precision: what is computed in fp32.
        device: where they are.
        memory_format: how tensors lie there.
    """

    record: CheckpointFile
    generators: Generators
    mode: Mode
    precision: Precision
    device: torch.device
    memory_format: torch.memory_format

    @classmethod
    def of(
        cls, path: Path, *, device: str, mode: Mode, precision: Precision, record: CheckpointFile | None = None
    ) -> Backend:
        """Return that of a file; the arguments, and what is raised, are those of `Translator`."""
        model = None if record else model_of(path)
        if model is not None:
            return cls._of_model(model, path, device, mode, precision)
        found = choose_device(device)
        dtype = choose_dtype(precision, found)
        memory_format = memory_format_at_test_time(found, dtype)
        record = record or load_checkpoint(path)
        generators = Generators.of(record, path, device=found, memory_format=memory_format, mode=mode)
        return cls(record, generators, mode, precision, found, memory_format)

    @classmethod
    def _of_model(cls, model: Model, path: Path, device: str, mode: Mode, precision: Precision) -> Backend:
        if mode not in {"paper", model.mode}:  # paper is what nobody has to ask for
            raise ItransError(f"{path} translates in mode {model.mode} only: it was made so.")
        if precision not in {"auto", "fp32"}:
            raise ItransError(f"{path} computes in fp32: leave --precision {precision} out.")
        if device not in {"auto", "cpu"}:
            raise DeviceError(f"{path} is computed on the CPU: leave --device {device} out.")
        cpu, layout = torch.device("cpu"), torch.contiguous_format
        states: dict[str, dict[str, Any]] = {name: {} for name in model.method.generators}
        generators = Generators(model.method, states, path, device=cpu, memory_format=layout, mode=model.mode)
        return cls(model.record, generators, model.mode, "fp32", cpu, layout)


def model_of(path: Path) -> Model | None:
    """Return what is in a file that is no checkpoint; None if no package opens files of its suffix.

    Raises:
        PluginError: several packages open such files, or the one that does cannot be used.
        ItransError: the file cannot be used.
    """
    origin = origin_of_model(path)
    if origin is None:
        return None
    try:
        opened: Any = origin.load()
        model: Model = opened(path)
    except ItransError:
        raise
    except Exception as error:  # a plugin's
        raise PluginError(
            f"{path} cannot be opened by {origin.distribution} {origin.version} ({origin.target}):\n{error_text(error)}"
        ) from error
    return model
