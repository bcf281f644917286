"""A checkpoint and pictures -> translated pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from itrans.checkpoint.places import checkpoint_path
from itrans.errors import DataError, ItransError, quoted
from itrans.networks.test_mode import MODES, Mode
from itrans.pictures.kinds import kind_of, output_type, refuse_unfit
from itrans.pictures.tensors import stack
from itrans.training.devices import Precision, choose_dtype
from itrans.translating.described import Described
from itrans.translating.generators import Need, checked_seed, free_memory_of, seeds_for
from itrans.translating.given import conditions_of, fixed_values, stand_ins
from itrans.translating.models import Backend
from itrans.translating.tiles import translate_tiles
from itrans.translating.tiling import Tiling

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from itrans.checkpoint.file import CheckpointFile
    from itrans.networks.statistics import SharedStatistics
    from itrans.pictures.spec import ImageArray, PixelType
    from itrans.protocols import Method


class Translator(Described):
    """The generators of a checkpoint, ready to translate pictures of any height and width.

    Args:
        checkpoint: a `.pt` file that a run has written; or the run's folder, of which the best checkpoint is taken or,
            where nothing was validated, the last; or another file, such as an exported network, that a package opens.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        mode: `paper` keeps dropout on and normalises each picture by its own statistics; `running` turns dropout off
            and normalises by the statistics gathered in training.
        seed: of dropout and noise; the same seed and picture give the same output, whatever else is in the batch.
        precision: `auto` computes 8-bit outputs in bf16 where the hardware has it, and all others in fp32, because
            bf16 has 8 significant bits.
        record: what is in the file, where it has been read before.

    Attributes:
        checkpoint: the file.
        accepted: what else pictures are translated with: its `options` and their defaults, and its `extras`.
        mode: the one that was given, or that of an exported network.
        seed: the one that was given.

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
        record: CheckpointFile | None = None,
    ) -> None:
        if mode not in MODES:
            raise ItransError(f'There is no mode "{mode}": choose {" or ".join(quoted(MODES))}.')
        self.seed, self.checkpoint = checked_seed(seed), checkpoint_path(checkpoint)
        backend = Backend.of(self.checkpoint, device=device, mode=mode, precision=precision, record=record)
        self.mode, self._precision, self._device = backend.mode, backend.precision, backend.device
        self._generators, self._memory_format, record = backend.generators, backend.memory_format, backend.record
        super().__init__(record, self._generators.sides)
        self.accepted = self._generators.accepted
        self._need = Need(self._translate_with_stand_ins)

    @property
    def generators(self) -> dict[str, nn.Module]:
        """The networks that translate, by their names in the checkpoint, on the translator's device.

        They take and give planes, `(N, C, H, W)` of float32 in [-1, 1], see `itrans.api.apply_generator`. The weights
        are averaged ones where there are any. What a loop of one's own does to them, the translator does too.
        """
        return self._generators.networks

    @property
    def method(self) -> Method:
        """The method, of which only what translates was built. It does not set the mode of the networks."""
        return self._generators.method

    @property
    def generator(self) -> nn.Module:
        """The network of the first direction; of most methods, the only one."""
        return next(iter(self.generators.values()))

    def translate(
        self,
        image: ImageArray,
        *,
        seed: int | None = None,
        direction: str | None = None,
        tile: int | None = None,
        overlap: int | None = None,
        **given: Any,
    ) -> ImageArray:
        """Translate one picture.

        Where the generator takes lightness, a grey or an RGB picture of 8 bits will do; where it makes the a and b of
        Lab, the output is RGB with the picture's own lightness. Label maps are arrays of class indices, and so are
        outputs where the generator makes one plane for each class.

        Args:
            image: `(H, W, C)` of uint8, uint16, or float32 in [0, 1], or in the range of `source` if it has one.
            seed: of dropout and noise, instead of the translator's.
            direction: one of `directions`; None is the first.
            tile: translate a larger picture in squares of so many pixels a side, which are blended; None: as a whole.
            overlap: how many pixels neighbouring squares share, at most half of them; None: 64.
            given: options and extras of the method by their names, see `accepted`: an extra is an array like `image`, a
                number, or one of its names.

        Returns:
            `(H, W, C')` of the picture's own type, or of the target's if training pairs had two types, or a range.

        Raises:
            DataError: the picture has another number of channels than the generator takes, there is no such direction,
                or an extra is not what it should be.
            ItransError: there are no such tiles, or the method takes no such options and extras, or needs more.
        """
        if tile is not None and not (tiling := Tiling.of(tile, overlap)).covers(*image.shape[:2]):
            source = self._as_source(image, direction)
            tiles = translate_tiles(self, source, tiling, seed=seed, direction=direction, given=given)
            return np.concatenate([*tiles])
        return self.translate_batch([image], seed=seed, direction=direction, **given)[0]

    def samples(
        self,
        image: ImageArray,
        count: int,
        *,
        seed: int | None = None,
        direction: str | None = None,
        batch_size: int = 8,
        **given: Any,
    ) -> list[ImageArray]:
        """Translate one picture `count` times: with a seed, the next one, and so on; `batch_size` of them at once.

        The other arguments, and what is raised, are those of `translate`.
        """
        first = self.seed if seed is None else seed
        outputs: list[ImageArray] = []
        for start in range(first, first + count, batch_size):
            seeds = range(start, min(start + batch_size, first + count))
            outputs += self.translate_batch([image] * len(seeds), seed=seeds, direction=direction, **given)
        return outputs

    def translate_batch(
        self,
        images: Sequence[ImageArray],
        *,
        seed: int | Sequence[int] | None = None,
        direction: str | None = None,
        **given: Any,
    ) -> list[ImageArray]:
        """Translate pictures of equal shape and type at once; each output is what it would be alone.

        Args:
            images: see `translate`.
            seed: see `translate`; or one for each picture.
            direction: see `translate`.
            given: see `translate`; of an extra, a list has one for each picture.

        Raises:
            DataError: see `translate`; or the pictures differ in shape or type, or there are not as many seeds as
                pictures.
        """
        stored = [self._as_source(image, direction) for image in images]
        return self.translate_stored(stored, seed=seed, direction=direction, **given)

    def translate_stored(
        self,
        images: Sequence[ImageArray],
        *,
        seed: int | Sequence[int] | None = None,
        direction: str | None = None,
        **given: Any,
    ) -> list[ImageArray]:
        """Translate sources of a data set like the one in training: lightness as stored, not a grey picture of it.

        Grey pictures would not do: there and back, 33 of the 256 values of a lightness come back as another. The
        pictures are `(H, W, C)`, each as the direction's spec says; all else is as in `translate_batch`.
        """
        source, target = self.specs(direction)
        seeds = seeds_for(seed, len(images), self.seed)
        if not images:
            return []
        for image in images:
            if image.shape != images[0].shape or image.dtype != images[0].dtype:
                raise DataError(
                    "The pictures of a batch must have the same shape and type; translate these one by one."
                )
        kept: PixelType = images[0].dtype.name  # type: ignore[assignment]
        dtype = output_type(kept, source, target)
        stored = stack(images, self._memory_format).to(self._device)
        batch = kind_of(source).planes(stored, source, self._memory_format)
        outputs = kind_of(target).arrays(self._output(batch, seeds, direction, dtype, given), target, dtype)
        return kind_of(target).outputs(outputs, target, images, source)

    def translate_planes(
        self,
        planes: Tensor,
        direction: str | None = None,
        *,
        seed: int | Sequence[int] | None = None,
        dtype: PixelType | None = None,
        statistics: SharedStatistics | None = None,
        **given: Any,
    ) -> Tensor:
        """Translate what networks see, as a batch of training has it; nothing is stored in between.

        Args:
            planes: `(N, C, H, W)`, float32 in [-1, 1], on any device.
            direction: see `translate`.
            seed: see `translate_batch`.
            dtype: what the outputs will be stored as, which `precision` heeds; None: the target's type.
            statistics: those of the one picture that the planes are parts of.
            given: see `translate_batch`; an extra may be a tensor, as `Batch.extras` has it.

        Returns:
            `(N, C', H, W)`, as the generator gives them, on the translator's device.

        Raises:
            DataError: see `translate_batch`.
        """
        _, target = self.specs(direction)
        batch = planes.to(self._device, memory_format=self._memory_format)
        seeds = seeds_for(seed, len(planes), self.seed)
        return self._output(batch, seeds, direction, dtype or target.dtype, given, statistics)

    def _output(
        self,
        batch: Tensor,
        seeds: list[int],
        direction: str | None,
        dtype: PixelType,
        given: Mapping[str, Any],
        statistics: SharedStatistics | None = None,
    ) -> Tensor:
        """Return the translations of planes; with `auto`, only those of 8 bits are computed in bf16."""
        exact = self._precision == "auto" and dtype != "uint8"
        compute = torch.float32 if exact else choose_dtype(self._precision, self._device)
        planes, (height, width) = self.specs(direction)[1].planes, batch.shape[-2:]
        given_of = conditions_of(self.accepted, given, len(batch), (height, width), self._device, self._memory_format)
        way = direction or self.directions[0]
        return self._generators(batch, seeds, way, compute, planes, given_of, statistics)

    def room(self, image: ImageArray, direction: str | None = None) -> tuple[float, int | None]:
        """Return about how many bytes translating a picture takes, and how many are free: None if unknown."""
        return self._need.of(image, direction), free_memory_of(self._device)

    def why_alike(self) -> str:
        """Return why samples of one picture are all the same, as the end of a sentence."""
        return self._generators.why_alike()

    def fixed_values(self, options: Mapping[str, Any], extras: Mapping[str, Any]) -> dict[str, Any]:
        """Return options, and extras that are no pictures, as `translate` takes them; see `given.fixed_values`."""
        return fixed_values(self.accepted, options, extras)

    def stand_ins(self, image: ImageArray) -> dict[str, Any]:
        """Return something for each extra that a picture cannot be translated without, to try how that is done."""
        height, width = image.shape[:2]
        return stand_ins(self.accepted, (height, width))

    def _translate_with_stand_ins(self, image: ImageArray, direction: str | None) -> object:
        return self.translate(image, direction=direction, **self.stand_ins(image))

    def _as_source(self, image: ImageArray, direction: str | None) -> ImageArray:
        self.check(image, direction)
        return kind_of(self.specs(direction)[0]).source_of(image)

    def check(self, image: ImageArray, direction: str | None = None) -> None:
        """Raise `DataError` if this is no picture that the generator takes in that direction."""
        prepares = None if self.goes_back(direction) else self.preparation
        remedy = f"With --prepare, {prepares.what}." if prepares else None
        refuse_unfit(image, self.specs(direction)[0], remedy)
