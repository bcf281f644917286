"""Checks of what a component must be: one line in a plugin's test.

```python
from itrans.testing import check_generator

def test_sketch():
    check_generator(Sketch, filters=8)
```

Each check tries what the contract asks of its kind, and raises one `AssertionError` that names every fault. None of
them trains for long, needs a GPU or reads files of its own. Give small sizes, as a recipe would: the networks are
built several times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itrans.protocols import Loss

__all__ = ["check_dataset", "check_discriminator", "check_generator", "check_loss", "check_method", "quick_faults"]


def check_generator(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a generator: shapes and sizes, gradients, state, seeds, memory formats, bf16, annotations, imports.

    Args:
        component: the class, or the name of a registered generator.
        arguments: what a recipe would give.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    from itrans.testing.generators import faults

    _conclude("generator", component, arguments, faults)


def check_discriminator(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a discriminator: logits with and without a condition, features, gradients, state, bf16, annotations.

    Args:
        component: the class, or the name of a registered discriminator.
        arguments: what a recipe would give.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    from itrans.testing.discriminators import faults

    _conclude("discriminator", component, arguments, faults)


def check_loss(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a loss: its role, scalars, gradients and their signs, bf16, annotations.

    Args:
        component: the class, or the name of a registered loss.
        arguments: what a recipe would give.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    from itrans.testing.losses import faults

    _conclude("loss", component, arguments, faults)


def check_dataset(component: Callable[..., Any] | str, /, **arguments: Any) -> None:
    """Check a data set: that pairs are what it says they are, that they repeat, that keys are unique, pickling.

    At most 16 pairs of each split are read.

    Args:
        component: the class, or the name of a registered data set.
        arguments: what a recipe would give.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    from itrans.testing.datasets import faults

    _conclude("dataset", component, arguments, faults)


def check_method(
    component: Callable[..., Any] | str, /, *, losses: Sequence[tuple[str, float, Loss]] | None = None, **arguments: Any
) -> None:
    """Check a method: that a step changes every network, that seeds decide, state, directions, bf16, annotations.

    Args:
        component: the class, or the name of a registered method.
        losses: name, weight and loss, as a recipe would list them; without, an adversarial one and L1.
        arguments: what a recipe would give.

    Raises:
        AssertionError: with every fault, each a sentence.
    """
    from itrans.testing.methods import default_losses, faults

    chosen = default_losses() if losses is None else losses
    _conclude("method", component, arguments, lambda made, given: faults(made, given, chosen))


def quick_faults(kind: str, component: Callable[..., Any]) -> list[str]:
    """Return what is wrong with a component, as far as can be told without building it.

    Args:
        kind: `generator`, `discriminator`, `loss`, `dataset` or `method`.
        component: what its entry point stands for.
    """
    from itrans.testing.signatures import attribute_faults, signature_faults

    return [*signature_faults(kind, component), *attribute_faults(kind, component)]


def _conclude(
    kind: str,
    component: Callable[..., Any] | str,
    arguments: dict[str, Any],
    faults: Callable[[Callable[..., Any], dict[str, Any]], list[str]],
) -> None:
    from itrans.registry import REGISTRIES
    from itrans.testing.signatures import argument_faults, import_faults

    made = REGISTRIES[kind].get(component) if isinstance(component, str) else component
    found = [*quick_faults(kind, made), *argument_faults(kind, made, arguments)]
    if not found:  # what cannot be called as agreed cannot be tried
        found = faults(made, arguments)
    found += import_faults(made)
    if found:
        name = component if isinstance(component, str) else getattr(component, "__name__", type(component).__name__)
        raise AssertionError(
            f"{name} is not what itrans asks of a {kind}:\n" + "\n".join(f"- {fault}" for fault in dict.fromkeys(found))
        )
