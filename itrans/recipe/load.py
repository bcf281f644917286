"""From a recipe's file, its `[sample]` and `--set` to a checked `Recipe`, before any data is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from itrans.errors import ItransError, PluginError, Problem, RecipeError
from itrans.files import expanded, is_there
from itrans.recipe.extending import read_documents
from itrans.recipe.layers import Layers

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Mapping, Sequence

    from itrans.recipe.document import KeyPath
    from itrans.recipe.schema import Tables


@dataclass(frozen=True)
class Recipe:
    """A recipe whose every key has been checked.

    Attributes:
        tables: its values, the components' defaults included.
        where: tells the place and the dotted key that a value comes from.
        is_sample: whether `[sample]` has taken the place of the recipe's own data.
        missing_root: the data set's folder, if that is because it is not there; else None.
        recorded: the distributions of components by kind and name, of the run or the checkpoint that this is the recipe
            of; whatever else has these names now, those are used.
    """

    tables: Tables
    where: Callable[[KeyPath], tuple[str, str]]
    is_sample: bool = False
    missing_root: str | None = None
    recorded: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def resolved(self) -> dict[str, Any]:
        """The values as plain data, as they go into checkpoints and into a run's `recipe.toml`."""
        return self.tables.model_dump(mode="json", exclude_none=True)

    def components(self) -> list[dict[str, str]]:
        """Return the kind, name, distribution and version of every component that the recipe names."""
        from itrans.recipe.check import uses

        return [
            {"kind": use.kind, "name": use.table.name, "distribution": origin.distribution, "version": origin.version}
            for use in uses(self.tables, self.recorded)
            for origin in [use.origin]
        ]

    def build(self, kind: str, *, position: int | None = None, **offered: Any) -> Any:
        """Make the component that the recipe names, and say where the recipe is wrong if it refuses.

        Args:
            kind: `dataset`, `generator`, `discriminator`, `loss` or `method`.
            position: which of the losses.
            offered: what itrans gives to it.

        Raises:
            RecipeError: the component refuses its arguments.
            ItransError: the component itself says what is wrong.
            PluginError: the component fails in another way.
        """
        from itrans.recipe.check import OFFERED, Use, owner
        from itrans.recipe.signature import Signature
        from itrans.registry import REGISTRIES

        key: KeyPath = (kind,) if position is None else (kind, position)
        table = getattr(self.tables, kind) if position is None else self.tables.loss[position]
        use = Use(key, kind, table, self.recorded.get((kind, table.name)))
        try:
            signature = Signature(use.component, OFFERED[kind])
            return REGISTRIES[kind].build({"name": use.name, **signature.values(table.arguments)}, **offered)
        except ItransError:
            raise
        except ValueError as error:
            raise RecipeError(Problem(*self.where(key), f"{owner(use)} refuses its arguments: {error}")) from error
        except (Exception, SystemExit, GeneratorExit) as error:
            raise PluginError(f"{owner(use)} failed: {type(error).__name__}: {error}") from error


def load_recipe(
    path: str | os.PathLike[str],
    *,
    overrides: Sequence[str] = (),
    sample: bool | None = None,
    without: Sequence[str] = (),
    recorded: Callable[[bool], Mapping[tuple[str, str], str]] = lambda _is_sample: {},
) -> Recipe:
    """Read and check a recipe.

    Args:
        path: a TOML file.
        overrides: `key=value` texts, as given with `--set`; they win over everything.
        sample: whether `[sample]` is laid over the recipe; None lays it where the folder `dataset.root` is not there.
        without: tables to leave out, as given with `--without`; `overrides` may write them anew.
        recorded: told whether it is, returns the distributions of components by kind and name, if a run goes on.

    Raises:
        RecipeError: with every fault, each with file, line and dotted key.
    """
    layers = Layers(*read_documents(path))
    layers.leave_out(without)
    root = _missing_root(layers, overrides) if sample is None else None
    if sample and layers.sample is None:
        raise RecipeError(Problem(str(path), "sample", "This recipe has no [sample], which --sample asks for."))
    if sample or root is not None:
        layers.lay_sample()
    for assignment in overrides:
        layers.override(assignment)

    from itrans.recipe.check import check  # only now: pydantic and the components take time to import

    is_sample = bool(sample) or root is not None
    origins = recorded(is_sample)
    return Recipe(check(layers.data, layers.where, recorded=origins), layers.where, is_sample, root, origins)


def resolved_recipe(
    data: dict[str, Any],
    source: str,
    *,
    recorded: Mapping[tuple[str, str], str] | None = None,
    kinds: Collection[str] | None = None,
) -> Recipe:
    """Return the recipe that a checkpoint holds.

    Args:
        data: what `Recipe.resolved` was.
        source: the checkpoint's path, for messages.
        recorded: the distributions of its components by kind and name.
        kinds: of the components that are needed; None for all.
    """

    def where(key: KeyPath) -> tuple[str, str]:
        return source, ".".join(str(part) for part in key)

    return checked_recipe(data, where, recorded=recorded, kinds=kinds)


def checked_recipe(
    data: dict[str, Any],
    where: Callable[[KeyPath], tuple[str, str]],
    *,
    recorded: Mapping[tuple[str, str], str] | None = None,
    kinds: Collection[str] | None = None,
) -> Recipe:
    """Return a recipe of values that lie ready, such as a checkpoint's with some overridden; see `resolved_recipe`."""
    from itrans.recipe.check import OFFERED, check

    return Recipe(
        check(data, where, recorded=recorded, kinds=OFFERED if kinds is None else kinds), where, recorded=recorded or {}
    )


def has_schema_fault(data: dict[str, Any]) -> bool:
    """Whether there is something wrong with a recipe's own keys, whatever its components are."""
    from itrans.recipe.check import check

    try:
        check(data, lambda key: ("", ".".join(map(str, key))), kinds=())
    except RecipeError:
        return True
    return False


def _missing_root(layers: Layers, overrides: Sequence[str]) -> str | None:
    """Return the data set's folder if it is not there and the recipe has a sample that can take its place."""
    dataset = layers.data.get("dataset")
    root = dataset.get("root") if isinstance(dataset, dict) else None
    choices = {"dataset", "dataset.root", "dataset.name"}
    chosen = any(assignment.split("=")[0].strip() in choices for assignment in overrides)
    if layers.sample is None or chosen or not isinstance(root, str) or is_there(expanded(root)):
        return None
    return root
