"""What an exported file says of itself: what it takes and makes, and how it was made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from itrans.api import DATASETS, CheckpointError, ImageSpec, ItransError, PluginError, __version__, scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itrans.commands import CheckpointFile, Translator

PREFIX = "itrans."
"""Of the names under which a file keeps its description, whose values are JSON."""

_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Description:
    """All that one has to know to use a file; every exported file holds it.

    Attributes:
        title: of the recipe.
        source: what the pictures that it takes are.
        target: what the pictures that it makes are.
        planes: how many channels the network takes, and how many it makes.
        range: the least and the greatest value of what it takes and makes.
        size_multiple: of which height and width are multiples; pictures are reflected at their edges to such a size.
        scale: how many times as high and wide as its source an output is.
        size: the only height and width, such multiples, that it takes; None for any.
        any_batch: whether it takes several pictures at once.
        mode: `paper` or `running`.
        dropout: `off`; or `seeded` where one mask, of the seed, is part of the network.
        seed: of that mask, and of noise that is part of the network.
        noise: the inputs besides the picture: the shape and the distribution of each.
        whole_pictures: whether each picture is normalised by its own statistics, which parts of it have not.
        direction: the method's.
        options: what the method's options are in the network, by name.
        extras: what is part of the network of what pairs have besides their pictures, by name.
        dataset: the recipe's table without its folder, where sources are those of the data set; else what pictures are
            laid on.
        sample: what stood in for the recipe's data; None for nothing.
        attribution: whom the data have to be credited to.
        step: how many steps it was trained.
        itrans: the version that wrote it.
        version: of this description.
    """

    title: str
    source: ImageSpec
    target: ImageSpec
    planes: tuple[int, int]
    range: tuple[int, int] = (-1, 1)
    size_multiple: int = 1
    scale: float = 1
    size: tuple[int, int] | None = None
    any_batch: bool = True
    mode: str
    dropout: str = "off"
    seed: int = 0
    noise: tuple[tuple[tuple[int, ...], str], ...] = ()
    whole_pictures: bool = False
    direction: str
    options: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    dataset: dict[str, Any]
    sample: str | None = None
    attribution: str = ""
    step: int = 0
    itrans: str = __version__
    version: int = _VERSION

    @property
    def fixed(self) -> str:
        """The options and extras that are part of the network, for people: `steps 20, colour blue`; or nothing."""
        values = {**self.options, **self.extras}
        return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)

    @property
    def background(self) -> str:
        """The colour that transparent pictures were laid on."""
        return str(self.dataset.get("background", "white"))

    def as_data(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"source": self.source.as_data(), "target": self.target.as_data()}

    def as_texts(self) -> dict[str, str]:
        """Return it as files keep it: a text of JSON under each name.

        A scale of 1, and what there are no options and no extras of, is left out: older versions, which do not know
        them, still read the file.
        """
        plain = {"scale": 1, "options": {}, "extras": {}}
        values = {name: value for name, value in self.as_data().items() if name not in plain or value != plain[name]}
        return {PREFIX + name: json.dumps(value) for name, value in values.items()}

    @classmethod
    def from_texts(cls, texts: Mapping[str, str], path: object) -> Description:
        """Return that of a file.

        Raises:
            CheckpointError: it has none, or one of a newer itrans.
        """
        found = {name.removeprefix(PREFIX): text for name, text in texts.items() if name.startswith(PREFIX)}
        if "version" not in found:
            raise CheckpointError(
                f"{path} does not say what its network takes and makes: itrans export has not written it, or another "
                "program has left that out."
            )
        try:
            values = {name: json.loads(text) for name, text in found.items()}
            if values["version"] > _VERSION:
                raise CheckpointError(
                    f"{path} was written by itrans {values.get('itrans')}, newer than this one, {__version__}. Update "
                    "it: pip install --upgrade itrans"
                )
            for side in ("source", "target"):
                values[side] = ImageSpec(**values[side] | {"names": tuple(values[side]["names"])})
            values["noise"] = tuple((tuple(shape), str(name)) for shape, name in values["noise"])
            for name in ("planes", "range", "size"):
                values[name] = None if values[name] is None else tuple(map(int, values[name]))
            return cls(**values)
        except ItransError:
            raise
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise CheckpointError(f"{path} is damaged, or was altered: its description is not whole.") from error


def describe(translator: Translator, record: CheckpointFile, direction: str, **details: Any) -> Description:
    """Return the description of what a checkpoint's translator does in a direction.

    The details are those that depend on how it is exported.
    """
    source, target = translator.specs(direction)
    scale = scale_of(translator.method)
    if translator.goes_back(direction):
        scale = 1 / scale
    table = {key: value for key, value in record.recipe.get("dataset", {}).items() if key != "root"}
    if translator.goes_back(direction):
        table = {"background": translator.background}
    return Description(
        title=translator.title,
        source=source,
        target=target,
        planes=(source.planes, target.planes),
        scale=int(scale) if scale.denominator == 1 else float(scale),
        mode=translator.mode,
        direction=direction,
        dataset=table,
        sample=translator.sample,
        attribution=_attribution(record),
        step=record.progress.step,
        **details,
    )


def _attribution(record: CheckpointFile) -> str:
    try:
        dataset = DATASETS.get(str(record.recipe.get("dataset", {}).get("name", "")))
    except PluginError:
        return ""
    return str(getattr(dataset, "attribution", ""))
