"""From a recipe's file, its `[sample]` and `--set` to a checked `Recipe`, before any data is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from itrans.errors import PluginError, Problem, RecipeError
from itrans.files import expanded, is_there
from itrans.recipe.document import Document
from itrans.recipe.layers import Layers, read_layers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence

    from itrans.recipe.document import KeyPath, Where
    from itrans.recipe.parts import Part
    from itrans.recipe.schema import Tables


@dataclass(frozen=True)
class Recipe:
    """A recipe whose every key has been checked.

    Attributes:
        tables: its values, the components' defaults included.
        parts: what its tables name.
        where: tells the place and the dotted key that a value comes from.
        is_sample: whether `[sample]` has taken the place of the recipe's own data.
        missing: name and folder of the recipe's own data set, if that is because the folder is not there; else None.
        recorded: the distributions of components by kind and name, of the run or the checkpoint that this is the recipe
            of; whatever else has these names now, those are used.
    """

    tables: Tables
    parts: tuple[Part, ...]
    where: Where
    is_sample: bool = False
    missing: tuple[str, str] | None = None
    recorded: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def missing_root(self) -> str | None:
        """The folder of the recipe's own data set, if it is not there and `[sample]` stands in for it; else None."""
        return None if self.missing is None else self.missing[1]

    @property
    def resolved(self) -> dict[str, Any]:
        """The values as plain data, as they go into checkpoints and into a run's `recipe.toml`."""
        return self.tables.model_dump(mode="json", exclude_none=True)

    def sample_note(self) -> str | None:
        """Return the sentence that goes wherever a sample run's results are shown; None if the data are its own."""
        if not self.is_sample:
            return None
        from itrans.protocols import attribution_of
        from itrans.registry import DATASETS

        name = self.tables.dataset.name
        attribution = attribution_of(DATASETS.get(name))
        reason = "as --sample asks," if self.missing is None else f"{self.missing[1]} is not there, so"
        remedy = _how_to_get(*self.missing, "To train on the recipe's own data:") if self.missing else ""
        note = f'SAMPLE DATA: {reason} this run uses the recipe\'s [sample], the data set "{name}".{remedy}'
        return f"{note} {attribution}".strip()

    def missing_data(self) -> Problem | None:
        """Return what there is to say if the data set's folder is not there, also how to get it; None if it is."""
        missing = _missing_folder(self.tables.dataset.table)
        if missing is None:
            return None
        key, name, root = missing
        message = 'The data set\'s folder is an empty text. For the current folder, write "."'
        if root:
            message = f"The data set's folder {root} is not there.{_how_to_get(name, root, 'Fetch it:')}"
        return Problem(*self.where(key), message)

    @property
    def missing_folder(self) -> str | None:
        """The data set's folder, if it is not there; else None."""
        missing = _missing_folder(self.tables.dataset.table)
        return None if missing is None else missing[2]

    def refuse_missing_data(self) -> None:
        """Raise `RecipeError` if the data set's folder is not there."""
        if problem := self.missing_data():
            raise RecipeError(problem)

    def components(self) -> list[dict[str, str]]:
        """Return the kind, name, distribution and version of every component that the recipe names."""
        from itrans.recipe.parts import all_parts

        return [
            {"kind": part.kind, "name": part.name, "distribution": origin.distribution, "version": origin.version}
            for part in all_parts(self.parts)
            for origin in [part.origin]
        ]

    def build(self, kind: str, *, position: int = 0, **offered: Any) -> Any:
        """Make the component of a kind, or of several losses the one at `position`; raises what `Part.build` raises."""
        return [part for part in self.parts if part.kind == kind][position].build(self.where, **offered)

    def with_losses(self, is_wanted: Callable[[Part], bool]) -> Self:
        """Return the recipe with some of its losses only."""
        losses = [part for part in self.parts if part.kind == "loss"]
        tables = tuple(table for part, table in zip(losses, self.tables.loss, strict=True) if is_wanted(part))
        parts = tuple(part for part in self.parts if part.kind != "loss" or is_wanted(part))
        return replace(self, tables=self.tables.model_copy(update={"loss": tables}), parts=parts)


def load_recipe(
    path: str | os.PathLike[str] | Mapping[str, Any],
    *,
    overrides: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    sample: bool | None = None,
    without: Sequence[str] = (),
    recorded: Callable[[bool], Mapping[tuple[str, str], str]] = lambda _is_sample: {},
) -> Recipe:
    """Read and check a recipe.

    Args:
        path: a TOML file; or the tables of one.
        overrides: `key=value` texts, as given with `--set`; they win over everything.
        values: the same by dotted keys, as Python has them.
        sample: whether `[sample]` is laid over the recipe; None lays it where the folder `dataset.root` is not there.
        without: tables to leave out, as given with `--without`; `overrides` may write them anew.
        recorded: told whether it is, returns the distributions of components by kind and name, if a run goes on.

    Raises:
        RecipeError: with every fault, each with file, line and dotted key.
    """
    layers = read_layers(path)
    layers.leave_out(without)
    assigned = [*(assignment.split("=")[0].strip() for assignment in overrides), *(values or {})]
    missing = _missing_data(layers, assigned) if sample is None else None
    if sample and layers.sample is None:
        name = "recipe" if isinstance(path, Mapping) else str(path)
        raise RecipeError(Problem(name, "sample", "This recipe has no [sample], which --sample asks for."))
    if sample or missing is not None:
        layers.lay_sample()
    for assignment in overrides:
        layers.override(assignment)
    for key, value in (values or {}).items():
        layers.assign(key, value)

    from itrans.recipe.check import check  # only now: pydantic and the components take time to import

    is_sample = bool(sample) or missing is not None
    origins = recorded(is_sample)
    return Recipe(*check(layers.data, layers.where, recorded=origins), layers.where, is_sample, missing, origins)


def recipe_of(
    data: Mapping[str, Any],
    source: str | os.PathLike[str],
    *,
    overrides: Sequence[str] = (),
    recorded: Mapping[tuple[str, str], str] | None = None,
    kinds: Collection[str] | None = None,
) -> Recipe:
    """Return the recipe of values that lie ready, such as those that a checkpoint holds.

    Args:
        data: what `Recipe.resolved` was.
        source: where they are from, for messages.
        overrides: `key=value` texts that are laid over them.
        recorded: the distributions of its components by kind and name.
        kinds: of the components that are needed; None for all.

    Raises:
        RecipeError: with every fault.
    """
    from itrans.recipe.check import check
    from itrans.recipe.parts import OFFERED

    document = Document(Path(source), dict(data), {})
    values, where = document.data, document.place
    if overrides:
        layers = Layers(document)
        for assignment in overrides:
            layers.override(assignment)
        values, where = layers.data, layers.where
    tables, parts = check(values, where, recorded=recorded, kinds=OFFERED if kinds is None else kinds)
    return Recipe(tables, parts, where, recorded=recorded or {})


def has_schema_fault(data: dict[str, Any]) -> bool:
    """Whether there is something wrong with a recipe's own keys, whatever its components are."""
    from itrans.recipe.check import check

    try:
        check(data, Document(Path(), data, {}).place, kinds=())
    except RecipeError:
        return True
    return False


def _missing_data(layers: Layers, assigned: Sequence[str]) -> tuple[str, str] | None:
    """Return name and folder of the data set if it is not there and the recipe has a sample to take its place."""
    dataset = layers.data.get("dataset")
    if layers.sample is None or not isinstance(dataset, dict) or (missing := _missing_folder(dataset)) is None:
        return None
    key, name, root = missing
    place = ".".join(map(str, key[:-1]))
    chosen = not {"dataset", "dataset.name", place, f"{place}.root", f"{place}.name"}.isdisjoint(assigned)
    return None if chosen or not root else (name, root)


def _missing_folder(table: Mapping[str, Any], key: KeyPath = ("dataset",)) -> tuple[KeyPath, str, str] | None:
    """Return the key, the data set's name, and the folder of a `root` that is not there: its own, or one within it."""
    root = table.get("root")
    if isinstance(root, str) and not (root and is_there(expanded(root))):
        return (*key, "root"), str(table.get("name")), root
    inner = ((name, value) for name, value in table.items() if isinstance(value, Mapping) and "name" in value)
    return next((found for name, value in inner if (found := _missing_folder(value, (*key, name)))), None)


def _how_to_get(name: str, root: str, purpose: str) -> str:
    """Return what gets a data set's folder, after what that is for; empty where the data set does not say."""
    from itrans.registry import DATASETS

    try:
        command = getattr(DATASETS.get(name), "how_to_get", lambda _: "")(root)
    except PluginError:
        return ""
    return f" {purpose} {command}." if command else ""
