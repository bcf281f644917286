"""The keys of a recipe that the core knows; what a component takes is said by its signature instead."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

MOST_ENTRIES = 100
"""In a list of tables: more are a mistake, and would take minutes to check."""

Positive: TypeAlias = Annotated[int, Field(ge=1)]
Length: TypeAlias = Annotated[int, Field(ge=1, le=65_535)]
"""In pixels; no picture of JPEG is longer."""

Size: TypeAlias = Length | tuple[Length, Length]
"""A height and width in pixels, or one number for both."""


class Table(BaseModel):
    """A table with fixed keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Component(BaseModel):
    """A table that names a component; all other keys are the component's arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Annotated[str, Field(min_length=1)]

    @property
    def arguments(self) -> dict[str, Any]:
        """The component's arguments."""
        return dict(self.model_extra or {})

    @property
    def table(self) -> dict[str, Any]:
        """The name and the arguments, as `Registry.build` takes them."""
        return {"name": self.name, **self.arguments}


class LossComponent(Component):
    """An entry of `[[loss]]`."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    weight: Annotated[float, Field(ge=0)] = 1.0


class Transform(Component):
    """An entry of `[[augment.transform]]`: a class of albumentations, or a component, by name, with its arguments."""

    on: Literal["both", "source"] = "both"


class Augment(Table):
    """`[augment]`: sizes in pixels; the same geometry for source and target."""

    size: Size | None = None
    resize: Size | None = None
    crop: Size | None = None
    mirror: bool = False
    transform: Annotated[tuple[Transform, ...], Field(max_length=MOST_ENTRIES)] = ()

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.size is not None and (self.resize is not None or self.crop is not None):
            raise ValueError('"size" scales to one size; use either it, or "resize" and "crop"')
        if self.resize is not None and self.crop is not None:
            for resized, cropped in zip(height_width(self.resize), height_width(self.crop), strict=True):
                if cropped > resized:
                    raise ValueError(f'a "crop" of {cropped} does not fit into a "resize" of {resized}')
        return self


OptimizerName: TypeAlias = Literal["adam", "adamw", "sgd", "rmsprop"]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
"""What is kept of a running average in each step."""

OPTIMIZER_KEYS: dict[OptimizerName, str] = {
    "adam": "betas",
    "adamw": "betas",
    "sgd": "momentum",
    "rmsprop": "momentum",
}
"""The key that an optimiser has besides those that all have."""


class NetworkOptimizer(BaseModel):
    """`[optimizer.NETWORK]`: what is different for one network.

    All other keys are tables of networks too: the name of a network may have dots, as `loss.NAME` has.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, NetworkOptimizer] = Field(init=False)

    name: OptimizerName | None = None
    lr: Annotated[float, Field(gt=0)] | None = None
    betas: tuple[Share, Share] | None = None
    momentum: Share | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    clip_norm: Annotated[float, Field(gt=0)] | None = None


class Optimizer(BaseModel):
    """`[optimizer]`: one for each network; all other keys are tables for one network, laid over this one."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    __pydantic_extra__: dict[str, NetworkOptimizer] = Field(init=False)

    name: OptimizerName = "adam"
    lr: Annotated[float, Field(gt=0)] = 2e-4
    betas: tuple[Share, Share] = (0.5, 0.999)
    momentum: Share = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip_norm: Annotated[float, Field(gt=0)] | None = None

    @model_serializer(mode="wrap")
    def _own_keys(self, values: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the keys of other optimisers, which a recipe must not give."""
        others = {*OPTIMIZER_KEYS.values()} - {OPTIMIZER_KEYS[self.name]}
        return {key: value for key, value in values(self).items() if key not in others}


class Schedule(Table):
    """`[schedule]`: the learning rate is constant, or falls to zero over the last epochs or steps, after a warm-up.

    It falls linearly, or as half a wave of the cosine does. If no length is given, that is over the second half of the
    run, or in the second case over all of it.
    """

    name: Literal["constant", "linear", "cosine"] = "constant"
    decay_epochs: Positive | None = None
    decay_steps: Positive | None = None
    warmup_steps: Positive | None = None

    @model_validator(mode="after")
    def _decay_is_said_once(self) -> Self:
        given = (self.decay_epochs is not None) + (self.decay_steps is not None)
        if self.name == "constant" and given:
            raise ValueError('a "constant" schedule takes neither "decay_epochs" nor "decay_steps"')
        if given > 1:
            raise ValueError(f'a "{self.name}" schedule takes "decay_epochs" or "decay_steps", not both')
        return self


class Train(Table):
    """`[train]`: how long, how many at once, and how numbers are stored."""

    batch_size: Positive = 1
    accumulate: Positive = 1
    epochs: Positive | None = None
    steps: Positive | None = None
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    channels_last: Literal["auto"] | bool = "auto"
    workers: Literal["auto"] | Annotated[int, Field(ge=0, le=1024)] = "auto"
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = "auto"
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    compile: bool = False
    freeze: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(max_length=MOST_ENTRIES)] = ()
    sync_batchnorm: bool = False

    @model_validator(mode="after")
    def _length_is_said_once(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError('say how long to train: either "epochs" or "steps"')
        return self


class Validation(Table):
    """`[validation]`: what is measured on held-out pairs, after every so many epochs (0: never) and at the end."""

    split: Literal["val", "test"] = "val"
    every: Annotated[int, Field(ge=0)] = 1
    metric: Annotated[str, Field(min_length=1)] = "auto"
    metrics: Annotated[tuple[str, ...], Field(max_length=MOST_ENTRIES)] | None = None
    patience: Positive | None = None
    pairs: Positive | None = None

    @model_validator(mode="after")
    def _patience_is_counted(self) -> Self:
        if self.patience is not None and not self.every:
            raise ValueError('"patience" counts validations, and "every = 0" has none')
        return self


class Checkpoint(Table):
    """`[checkpoint]`: when the run's state is written, besides the ends of epochs."""

    every: Positive | None = None
    keep: Positive = 3
    minutes: Annotated[float, Field(gt=0)] = 15.0


class Log(Table):
    """`[log]`: a line of losses every so many steps; so many pictures in a grid of samples (0: no grid).

    Grids are drawn before the first step, with every validation, and every `pictures_minutes` in between: "auto" is
    half a minute, or in long runs a twentieth of the time so far; 0 draws those of validations alone. `page`: whether
    what is installed to draw a page in the run's folder does so.
    """

    every: Positive = 50
    pictures: Annotated[int, Field(ge=0)] = 6
    pictures_minutes: Literal["auto"] | Annotated[float, Field(ge=0)] = "auto"
    page: bool = True


class Tables(Table):
    """A whole recipe, `[sample]` aside."""

    title: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    dataset: Component
    augment: Augment = Augment()
    method: Component = Component(name="paired")
    generator: Component
    discriminator: Component | None = None
    loss: Annotated[tuple[LossComponent, ...], Field(max_length=MOST_ENTRIES)] = ()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    train: Train
    validation: Validation = Validation()
    checkpoint: Checkpoint = Checkpoint()
    log: Log = Log()
    tracker: Annotated[tuple[Component, ...], Field(max_length=MOST_ENTRIES)] = ()

    @model_validator(mode="after")
    def _decay_fits(self) -> Self:
        for unit in ("epochs", "steps"):
            length, decay = getattr(self.train, unit), getattr(self.schedule, f"decay_{unit}")
            if length is not None and decay is not None and decay > length:
                raise ValueError(f'"schedule.decay_{unit}" is {decay}, but "train.{unit}" is only {length}')
        warmup = self.schedule.warmup_steps
        if self.train.steps is not None and warmup is not None and warmup > self.train.steps:
            raise ValueError(f'"schedule.warmup_steps" is {warmup}, but "train.steps" is only {self.train.steps}')
        return self


def height_width(size: Size) -> tuple[int, int]:
    """Return the height and the width that a size stands for."""
    return (size, size) if isinstance(size, int) else size
