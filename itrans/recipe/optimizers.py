"""`[optimizer]`, and what `[optimizer.NETWORK]` says for one network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.errors import Problem, RecipeError, did_you_mean
from itrans.recipe.schema import OPTIMIZER_KEYS, NetworkOptimizer, Optimizer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from itrans.recipe.document import KeyPath
    from itrans.recipe.load import Recipe


def optimizer_of(table: Optimizer, network: str) -> Optimizer:
    """Return the settings of one network's optimiser: what its own table says, and else what all have."""
    for key, own in _network_tables((), table):
        if ".".join(map(str, key)) == network:
            given = own.model_fields_set & Optimizer.model_fields.keys()
            return table.model_copy(update={name: getattr(own, name) for name in given})
    return table


def optimizer_faults(table: Optimizer) -> Iterator[tuple[KeyPath, str]]:
    """Yield the keys that an optimiser is given and does not have, each with what is wrong."""
    tables: list[tuple[KeyPath, Optimizer | NetworkOptimizer]] = [((), table), *_network_tables((), table)]
    for key, own in tables:
        name = own.name or table.name
        own_key = OPTIMIZER_KEYS[name]
        for other in sorted({*OPTIMIZER_KEYS.values()} & own.model_fields_set - {own_key}):
            message = f'The optimiser "{name}" has no "{other}".\nIt takes: lr, {own_key}, weight_decay, clip_norm'
            yield ("optimizer", *key, other), message


def refuse_unknown_networks(recipe: Recipe, networks: Collection[str]) -> None:
    """Raise `RecipeError` if a table `[optimizer.NETWORK]` is for a network that the method does not have."""
    names = {key: ".".join(map(str, key)) for key, _ in _network_tables((), recipe.tables.optimizer)}
    problems = [
        Problem(
            *recipe.where(("optimizer", *key)),
            f'There is no network "{name}".{did_you_mean(name, networks)} There are: {", ".join(networks)}.',
        )
        for key, name in names.items()
        if name not in networks
    ]
    if problems:
        raise RecipeError(problems)


def _network_tables(key: KeyPath, table: Optimizer | NetworkOptimizer) -> Iterator[tuple[KeyPath, NetworkOptimizer]]:
    """Yield the tables of networks in a table, each with its key; a name with dots may be tables within tables."""
    for name, inner in (table.__pydantic_extra__ or {}).items():
        nested = inner.__pydantic_extra__ or {}
        if not nested or inner.model_fields_set - nested.keys():
            yield (*key, name), inner
        yield from _network_tables((*key, name), inner)
