"""`check_metric` names what is wrong with a metric."""

from __future__ import annotations

import pytest
import torch

from itrans.api import ImageSpec
from itrans.testing import check_metric

pytestmark = pytest.mark.usefixtures("without_imports")


class Good:
    lower_is_better = True

    def measure(self, outputs, targets):
        return (outputs - targets).abs().mean((1, 2, 3))


class Pooled(Good):
    def measure(self, outputs, targets):
        return torch.stack([(outputs - targets).square().sum((1, 2, 3)), targets.square().sum((1, 2, 3))], dim=1)

    def value(self, total):
        return float(total[0] / total[1])


class OfClasses(Good):
    kinds = ("labels",)

    def __init__(self, *, target: ImageSpec) -> None:
        if target.kind != "labels":
            raise ValueError("of label maps alone")


class Thermal(Good):
    def __init__(self, *, target: ImageSpec) -> None:
        if target.channels != 1:
            raise ValueError("temperatures have one channel")


@pytest.mark.parametrize("component", [Good, Pooled, OfClasses, Thermal])
def test_good_ones_pass(component):
    check_metric(component)


class Directionless(Good):
    lower_is_better = None


class OfNothing(Good):
    kinds = ("photos",)


class Alone(Good):
    def measure(self, outputs, targets):
        return (outputs - targets).abs().mean()


class Changing(Good):
    def measure(self, outputs, targets):
        return outputs.sub_(targets).abs().mean((1, 2, 3))


class OfBatches(Good):
    def measure(self, outputs, targets):
        return super().measure(outputs, targets) * len(outputs)


class Endless(Good):
    def measure(self, outputs, targets):
        return super().measure(outputs, targets) / 0


class Refusing(Good):
    def __init__(self, *, target: ImageSpec) -> None:
        raise ValueError("never")


class Needy(Good):
    def __init__(self, *, scale) -> None:
        pass


class Bare:
    lower_is_better = True


@pytest.mark.parametrize(
    ("component", "said"),
    [
        (Directionless, "which way is better"),
        (OfNothing, "kinds should be a tuple"),
        (Alone, "a value for each picture"),
        (Changing, "changes them"),
        (OfBatches, "in whatever batches"),
        (Endless, "a finite number"),
        (Refusing, "refuses all targets"),
        (Needy, 'needs "scale"'),
        (Bare, "no measure()"),
    ],
)
def test_what_is_wrong_is_named(component, said):
    with pytest.raises(AssertionError, match="is not what itrans asks of a metric") as caught:
        check_metric(component)
    assert said in str(caught.value)
