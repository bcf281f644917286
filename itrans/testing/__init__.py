"""Checks of what a component must be: one line in a plugin's test.

```python
from itrans.testing import check_generator

def test_sketch():
    check_generator(Sketch, filters=8)
```

Each check tries what itrans asks of its kind, and raises one `AssertionError` that names every fault. None needs a GPU,
files of its own or any other package: they work with every test runner. Give small sizes, as a recipe would: networks
are built a dozen times.

Keywords are the recipe's arguments. An argument that itrans offers may be among them, for a component that does not
take every value: `check_generator(Sketch, in_channels=1, out_channels=1)`. Without, several are tried, and a component
may refuse some by raising `ValueError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "check_dataset",
    "check_discriminator",
    "check_generator",
    "check_loss",
    "check_method",
    "check_metric",
    "check_page",
    "check_tracker",
    "quick_faults",
]


def check_generator(component: Callable[..., Any] | str, size: int | None = None, /, **arguments: Any) -> None:
    """Check a generator: shapes, sizes, gradients, state, randomness, memory formats, bf16, arguments, imports.

    Args:
        component: the class (or another callable), or the name of a registered generator.
        size: height and width of the pictures to translate, for one that takes that alone; without, several are tried.
        arguments: what a recipe would give; and `in_channels`, `out_channels`, if not every number will do.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("generator", component, arguments, size)


def check_discriminator(component: Callable[..., Any] | str, size: int | None = None, /, **arguments: Any) -> None:
    """Check a discriminator: logits with and without a condition, features, gradients, and as for a generator.

    Args:
        component: the class (or another callable), or the name of a registered discriminator.
        size: height and width of the pictures to judge, for one that takes that alone; without, several are tried.
        arguments: what a recipe would give; and `in_channels`, `condition_channels`, if not every number will do.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("discriminator", component, arguments, size)


def check_loss(component: Callable[..., Any] | str, size: int | None = None, /, **arguments: Any) -> None:
    """Check a loss: its role, scalars, gradients and their signs, bf16, arguments, imports.

    Args:
        component: the class (or another callable), or the name of a registered loss.
        size: height and width of the pictures to compare, for one that takes that alone.
        arguments: what a recipe would give; and `record`, what an image loss is to be given instead of noise: a
            `Translated`, or whatever the method of its role makes.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("loss", component, arguments, size)


def check_dataset(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a data set: that pairs are what it says they are, that they repeat, keys, pickling, splits, arguments.

    At most 16 pairs of each split are read, from its first to its last.

    Args:
        component: the class (or another callable), or the name of a registered data set.
        arguments: what a recipe would give; and `split`, if just one is to be read.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("dataset", component, arguments)


def check_method(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a method: that steps update every network, that runs repeat and resume, directions, bf16, arguments.

    It trains two small networks on noise.

    Args:
        component: the class (or another callable), or the name of a registered method.
        arguments: what a recipe would give; and what the method is to be tried with instead of something of ours:
            `losses` (a list of `WeightedLoss`, or of names, weights and losses), `source` and `target` (`ImageSpec`),
            `build_generator`, `build_discriminator`; `batches`, a list of `Batch` to train on instead of noise; and
            `extras`, what a data set would declare of that name.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("method", component, arguments)


def check_metric(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a metric: finite values of each picture, in any order, that inputs stay as they are, arguments, imports.

    Args:
        component: the class (or another callable), or the name of a registered metric.
        arguments: its own; and `source` and `target` (`ImageSpec`), if not every kind of pictures that it is for will
            do.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("metric", component, arguments)


def check_tracker(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a tracker: that it hears a run, and one that goes on, without an error, arguments, imports.

    Args:
        component: the class (or another callable), or the name of a registered tracker.
        arguments: its own; what a run would tell it goes there, so choose a place for trials.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("tracker", component, arguments)


def check_page(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a page, as `check_tracker` does: it is told what a tracker is told.

    Args:
        component: the class (or another callable), or the name of a registered page.
        arguments: `step`, if it is not to be tried with several.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    __tracebackhide__ = True
    _check("page", component, arguments)


def quick_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what is wrong with a component, as far as can be told at once; it never raises.

    Looked at are the signature and the attributes. A network or a loss whose arguments all have defaults is built
    besides, without values, and what shapes it makes is looked at. What cannot be built so, for want of a file, a
    package or a network, is not judged.

    Args:
        kind: `generator`, `discriminator`, `loss`, `dataset`, `method`, `metric`, `tracker` or `page`.
        component: what its entry point stands for.

    Returns:
        Sentences; none if all is well.
    """
    from itrans.testing.quick import all_faults

    return all_faults(kind, component)


def _check(kind: str, component: Callable[..., Any] | str, arguments: dict[str, Any], size: int | None = None) -> None:
    from itrans.recipe.parts import OFFERED
    from itrans.registry import REGISTRIES
    from itrans.testing.findings import Findings
    from itrans.testing.imports import import_faults
    from itrans.testing.static import annotation_faults, argument_faults, attribute_faults, signature_faults
    from itrans.testing.surroundings import unchanged_settings

    __tracebackhide__ = True  # pytest shows the caller's line instead
    made = REGISTRIES[kind].get(component) if isinstance(component, str) else component
    given = {name: value for name, value in arguments.items() if name in OFFERED[kind]}
    others = [name for name in _TRIED.get(kind, ()) if name in arguments and name not in given]
    tried = {name: arguments[name] for name in others if not _takes(made, name)}
    own = {name: value for name, value in arguments.items() if name not in given and name not in tried}
    findings = Findings(made, own, given, size, tried)
    findings.faults += [*signature_faults(kind, made), *attribute_faults(kind, made), *argument_faults(kind, made, own)]
    if not findings.faults:  # what cannot be called as agreed cannot be tried
        with unchanged_settings(findings):
            importlib.import_module(_MODULES[kind]).check(findings)
    findings.faults += [*annotation_faults(kind, made), *import_faults(made)]
    if findings.faults:
        name = component if isinstance(component, str) else getattr(component, "__name__", type(component).__name__)
        sentences = "\n".join(f"- {fault}" for fault in dict.fromkeys(findings.faults))
        raise AssertionError(f"{name} is not what itrans asks of a {kind}:\n{sentences}")


def _takes(component: Callable[..., Any], name: str) -> bool:
    from itrans.registry import accepted_arguments

    try:
        return bool(accepted_arguments(component, {name: None}))
    except (TypeError, ValueError):  # told by signature_faults
        return False


_TRIED = {"loss": ("record",), "method": ("batches", "extras")}
"""What a check takes besides arguments; a component's own argument of such a name goes to the component."""

_MODULES = {
    "generator": "itrans.testing.generators",
    "discriminator": "itrans.testing.discriminators",
    "loss": "itrans.testing.losses",
    "dataset": "itrans.testing.datasets",
    "method": "itrans.testing.methods",
    "metric": "itrans.testing.metrics",
    "tracker": "itrans.testing.trackers",
    "page": "itrans.testing.trackers",
}
"""What notes the faults of each kind; imported when it is needed, as torch comes with it."""
