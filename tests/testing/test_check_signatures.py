"""The checks name what keeps recipes from giving arguments, of all kinds of components alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from annotated_types import Ge

from itrans.testing import check_dataset, check_discriminator, check_generator, check_loss, check_method

if TYPE_CHECKING:
    from pathlib import Path


class Good:
    role = "image"

    def __init__(
        self,
        *,
        power: Annotated[float, Ge(1)] = 2.0,
        norm: Literal["l1", "l2"] = "l2",
        layers: tuple[int, ...] = (1, 2),
        weights: str | None = None,
    ) -> None:
        pass

    def __call__(self, translated):
        return (translated.output.float() - translated.target.float()).square().mean()


class Unannotated(Good):
    def __init__(self, *, power=2.0) -> None:
        pass


class Unresolvable(Good):
    """An annotation of what is imported for type checkers alone."""

    def __init__(self, *, file: Path | None = None) -> None:
        pass


class Opaque(Good):
    def __init__(self, *, inner: Good | None = None) -> None:
        pass


class WrongChoice(Good):
    def __init__(self, *, norm: Literal["l1", "l2"] = "l3") -> None:
        pass


class WrongType(Good):
    def __init__(self, *, layers: int = 2.5) -> None:
        pass


class NoneUnsaid(Good):
    def __init__(self, *, layers: int = None) -> None:  # noqa: RUF013  # the fault
        pass


class OutOfBounds(Good):
    def __init__(self, *, power: Annotated[float, Ge(1)] = 0.5) -> None:
        pass


class Open(Good):
    def __init__(self, **rest: Any) -> None:
        pass


class Named(Good):
    def __init__(self, *, name: str = "") -> None:
        pass


class Weighted(Good):
    def __init__(self, *, weight: float = 1.0) -> None:
        pass


class Positional(Good):
    def __init__(self, power: float, /) -> None:
        pass


def test_arguments_that_recipes_can_be_checked_against_pass():
    check_loss(Good)
    check_loss(Good, power=1, norm="l1", layers=[3], weights="file")


UNCHECKED = "has no annotation that a recipe's value can be checked against: int, float, bool, str, Literal, list, "
DEFAULT = "A default should be what its annotation says: "


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        (Unannotated, f'Its argument "power" {UNCHECKED}'),
        (Unresolvable, f'Its argument "file" {UNCHECKED}'),
        (Opaque, f'Its argument "inner" {UNCHECKED}'),
        (WrongChoice, f'{DEFAULT}"norm" is "l3", but should be "l1" | "l2"'),
        (WrongType, f'{DEFAULT}"layers" is 2.5, but should be int'),
        (NoneUnsaid, f'{DEFAULT}"layers" is none, but should be int'),
        (OutOfBounds, f'{DEFAULT}"power" is 0.5, but should be number (input should be greater than or equal to 1).'),
        (Open, "It takes any keyword (**), so a mistyped key of a recipe would pass: name its arguments."),
        (Named, 'Its argument "name" is a key that itrans keeps for itself: rename it.'),
        (Weighted, 'Its argument "weight" is a key that itrans keeps for itself: rename it.'),
        (Positional, 'Its argument "power" cannot be given as a keyword, which is how recipes give arguments.'),
    ],
)
def test_signatures_that_recipes_cannot_use_are_named(component, sentence, faults_of):
    [fault] = faults_of(check_loss, component)
    assert fault.startswith(sentence)


class Unreadable(type):
    @property
    def __signature__(cls):
        raise ValueError("nothing to read")


class Hidden(Good, metaclass=Unreadable):
    pass


def test_a_signature_that_cannot_be_read_is_named(faults_of):
    [fault] = faults_of(check_loss, Hidden)
    assert fault.startswith("Its arguments cannot be read (")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"powr": 2.0}, 'The loss takes no "powr". Did you mean "power"? It takes: power (number = 2.0), norm ('),
        ({"power": "2"}, 'The loss: "power" is "2", but should be number'),
        ({"norm": "l3"}, 'The loss: "norm" is "l3", but should be "l1" | "l2"'),
        ({"power": 0}, 'The loss: "power" is 0, but should be number (input should be greater than or equal to 1).'),
    ],
)
def test_arguments_that_a_recipe_could_not_give_are_named(arguments, sentence, faults_of):
    [fault] = faults_of(check_loss, Good, **arguments)
    assert fault.startswith(sentence)


class Bare:
    """Has all that any kind calls, and takes nothing that itrans offers."""

    role = "image"

    def __init__(self, *, size: int) -> None:
        pass

    def __call__(self):
        pass

    def __len__(self):
        pass

    __getitem__ = step = translate = __call__


@pytest.mark.parametrize(
    ("check", "missing"),
    [
        (check_generator, ["in_channels", "out_channels"]),
        (check_discriminator, ["in_channels", "condition_channels"]),
        (check_dataset, ["split"]),
        (check_method, ["build_generator", "losses"]),
    ],
)
def test_what_is_offered_and_cannot_be_done_without_is_named(check, missing, faults_of):
    assert faults_of(check, Bare, size=3) == [
        f'It takes no "{name}", which itrans offers: take it, and raise ValueError for what cannot be done.'
        for name in missing
    ]


def test_an_argument_without_a_default_that_is_not_given_is_named(faults_of):
    class Sized(Good):
        def __init__(self, *, size: int) -> None:
            pass

    check_loss(Sized, size=3)
    [fault] = faults_of(check_loss, Sized)
    assert fault.startswith('The loss needs "size". It takes: size (int)')


def test_all_faults_are_told_at_once(faults_of):
    class Worst:
        role = "image"

        def __init__(self, weight, *, size=3, norm: Literal["l1"] = "l2") -> None:
            pass

    assert [fault[:38] for fault in faults_of(check_loss, Worst, sze=3)] == [
        'Its argument "weight" is a key that it',
        'With the role "image" it should have _',
        'The loss takes no "sze". Did you mean ',
        'The loss needs "weight". It takes: wei',
        'Its argument "weight" has no annotatio',
        'Its argument "size" has no annotation ',
        "A default should be what its annotatio",
    ]
