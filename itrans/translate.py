"""A checkpoint and pictures -> translated pictures."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import numpy as np
import torch

from itrans.data.tensors import arrays, normalized, stack
from itrans.engine.build import build_translator
from itrans.engine.checkpoint import load_checkpoint
from itrans.engine.devices import Precision, choose_device, choose_dtype, choose_memory_format
from itrans.engine.inference import MODES, CastWeights, Mode, test_mode
from itrans.errors import CheckpointError, DataError, ItransError, quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from itrans.protocols import ImageArray, PixelType

__all__ = ["Mode", "Precision", "Translator"]


class Translator:
    """The generators of a checkpoint, ready to translate pictures of any height and width.

    Args:
        checkpoint: a `.pt` file that a run has written.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        mode: `paper` keeps dropout on and normalises each picture by its own statistics; `running` turns dropout off
            and normalises by the statistics gathered in training.
        seed: of the dropout; the same seed and picture give the same output, whatever else is in the batch.
        precision: `auto` computes 8-bit outputs in bf16 where the hardware has it, and all others in fp32, because
            bf16 has 8 significant bits.

    Attributes:
        source: what the pictures that it takes are.
        target: what the pictures that it makes are like.
        sample: what the training data stood in for, or None if they were the recipe's own.
        title: the recipe's title.

    Raises:
        CheckpointError: the file cannot be used; the message says why.
        DeviceError: there is no such device.
        ItransError: there is no such mode.
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str],
        *,
        device: str = "auto",
        mode: Mode = "paper",
        seed: int = 0,
        precision: Precision = "auto",
    ) -> None:
        if mode not in MODES:
            raise ItransError(f'There is no mode "{mode}": choose {" or ".join(quoted(MODES))}.')
        self._device = choose_device(device)
        self._lock = threading.Lock()  # the mode is set on the networks themselves
        self._precision, self._mode, self._seed = precision, mode, seed
        record = load_checkpoint(checkpoint)
        recipe = record.checked_recipe(checkpoint)
        self.source, self.target, self.sample = record.source, record.target, record.sample
        self.title = recipe.tables.title
        self._method = build_translator(recipe, record.source, record.target)
        dtype = choose_dtype(precision, self._device)
        # Unlike in training, no optimiser has to walk over weights that lie so.
        channels_last = dtype != torch.float32 and self._device.type in {"cpu", "cuda"}
        self._memory_format = choose_memory_format(channels_last, self._device, dtype)
        states = record.generator_states
        try:
            for name in self._method.generators:
                self._method.networks[name].load_state_dict(states[name])
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(f"{checkpoint} does not fit the networks that its recipe makes: {error}") from error
        self._networks = [self._method.networks[name] for name in self._method.generators]
        for network in self._networks:
            network.to(device=self._device, memory_format=self._memory_format)  # type: ignore[call-overload]
        self._cast_weights: CastWeights | None = None

    def translate(self, image: ImageArray, *, direction: str = "forward") -> ImageArray:
        """Translate one picture.

        Args:
            image: `(H, W, C)` of uint8, uint16, or float32 in [0, 1].
            direction: for methods that have several.

        Returns:
            `(H, W, C')` of the picture's own type, or of the target's if training pairs had two different types.

        Raises:
            DataError: the picture has another number of channels than the generator takes.
        """
        return self.translate_batch([image], direction=direction)[0]

    def translate_batch(self, images: Sequence[ImageArray], *, direction: str = "forward") -> list[ImageArray]:
        """Translate pictures of equal shape and type at once; each output is what it would be alone.

        Raises:
            DataError: see `translate`; or the pictures differ in shape or type.
        """
        if not images:
            return []
        for image in images:
            self.check(image)
            if image.shape != images[0].shape or image.dtype != images[0].dtype:
                raise DataError(
                    "The pictures of a batch must have the same shape and type; translate these one by one."
                )
        kept: PixelType = images[0].dtype.name  # type: ignore[assignment]
        dtype = kept if self.source.dtype == self.target.dtype else self.target.dtype
        compute = choose_dtype(self._precision, self._device)
        if self._precision == "auto" and dtype != "uint8":
            compute = torch.float32
        batch = normalized(stack(images, self._memory_format).to(self._device), self._memory_format)
        with (
            self._lock,
            test_mode(self._networks, self._mode, self._seed),
            self._computing_in(compute),
        ):
            try:
                output = self._method.translate(batch, direction)
            except ValueError as error:
                raise DataError(str(error)) from error
            if not bool(output.isfinite().all()):
                raise CheckpointError("This checkpoint's generator gives values that are not finite; it is of no use.")
            return arrays(output, dtype)

    @contextlib.contextmanager
    def _computing_in(self, dtype: torch.dtype) -> Iterator[None]:
        if dtype == torch.float32:
            yield
            return
        if self._cast_weights is None:
            self._cast_weights = CastWeights(self._networks, dtype)
        with self._cast_weights.in_place(), torch.autocast(self._device.type, dtype, cache_enabled=False):
            yield

    def check(self, image: ImageArray) -> None:
        """Raise `DataError` if this is no picture that the generator takes."""
        wanted = "what is translated is an array (height, width, channels) of uint8, uint16, or float32 in [0, 1]."
        if not isinstance(image, np.ndarray):
            raise DataError(f"This is {type(image).__name__}; {wanted}")
        if image.ndim != 3 or 0 in image.shape or image.dtype.name not in {"uint8", "uint16", "float32"}:
            raise DataError(f"This is an array of shape {image.shape} and type {image.dtype}; {wanted}")
        if image.dtype == np.float32 and not (float(image.min()) >= 0 and float(image.max()) <= 1):  # so is NaN
            raise DataError(f"This array has floats from {image.min():g} to {image.max():g}; {wanted}")
        if image.shape[2] != self.source.channels:
            raise DataError(
                f"The picture has {_channels(image.shape[2])}, but this checkpoint's generator takes "
                f"{_channels(self.source.channels)}. Convert it first."
            )


def _channels(count: int) -> str:
    names = {1: "1 channel (grey)", 3: "3 channels (RGB)", 4: "4 channels (RGBA)"}
    return names.get(count, f"{count} channels")
