"""Whether a recipe's parts agree on how many times as large as sources the targets are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.data.geometry import exactly_scaled
from itrans.errors import Problem, RecipeError
from itrans.pictures.kinds import kind_of
from itrans.recipe.schema import height_width
from itrans.scales import scale_of

if TYPE_CHECKING:
    from itrans.protocols import Dataset, Method
    from itrans.recipe.load import Recipe

_SIZES = ("size", "resize", "crop")


def refuse_unscalable(recipe: Recipe, dataset: Dataset) -> None:
    """Raise `RecipeError` for what a recipe wants done to pairs whose two sides differ in size, and cannot be."""
    scale = scale_of(dataset)
    if scale == 1:
        return
    problems = [
        Problem(
            *recipe.where(("augment", "transform", place)),
            f'"{table.name}" changes both pictures at once, and targets are {scale} times as large as their sources '
            '(the scale of the data set): write on = "source" for what sources alone get, or leave it out.',
        )
        for place, table in enumerate(recipe.tables.augment.transform)
        if table.on == "both"
    ]
    for name in _SIZES:
        if size := getattr(recipe.tables.augment, name):
            try:
                exactly_scaled(height_width(size), scale)
            except ValueError as error:
                problems.append(Problem(*recipe.where(("augment", name)), f"Sizes are those of the source; {error}."))
    if kind_of(dataset.target).output_spec(dataset.target, dataset.source) != dataset.target:
        problems.append(
            Problem(
                *recipe.where(("dataset",)),
                f"Outputs of the kind {dataset.target.kind} are laid on their sources, which have another size: the "
                f"data set's scale is {scale}.",
            )
        )
    if problems:
        raise RecipeError(problems)


def refuse_other_scale(recipe: Recipe, dataset: Dataset, method: Method) -> None:
    """Raise `RecipeError` if a method's generators have another scale than the data set."""
    wanted = scale_of(dataset)
    found = scale_of(method)
    if found != wanted:
        tables = recipe.tables
        raise RecipeError(
            Problem(
                *recipe.where(("generator",)),
                f'The generator "{tables.generator.name}" makes pictures {found} times as large as their sources, and '
                f'the data set "{tables.dataset.name}" has targets {wanted} times as large: the scale of both has to '
                "be the same.",
            )
        )
