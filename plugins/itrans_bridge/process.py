"""The Brownian bridge between two pictures, and the way back along it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor

Prediction = Callable[[Tensor, float], Tensor]
"""Returns the target that is expected of a picture `(N, C, H, W)` on the bridge at a time."""


class BrownianBridge:
    """The process that is at a target at time 0 and at the other end at time 1, and noisy in between.

    At time t it has the mean (1 - t) target + t end and the variance 2 s t (1 - t), which is s / 2 half way. Source:
    Li et al., arXiv 2205.07680, section 3.2, equations 4 and 5, with m_t = t.

    Args:
        variance: s.
    """

    def __init__(self, variance: float) -> None:
        self._variance = variance

    def at(self, time: Tensor, target: Tensor, end: Tensor, noise: Tensor) -> Tensor:
        """Return pictures on the bridge `(N, C, H, W)`, each at its own time `(N,)`."""
        t = time.view(-1, 1, 1, 1)
        return (1 - t) * target + t * end + (2 * self._variance * t * (1 - t)).sqrt() * noise

    def deviation(self, time: float) -> float:
        """Return the standard deviation at a time."""
        return math.sqrt(2 * self._variance * time * (1 - time))

    def drawn_deviation(self, now: float, then: float) -> float:
        """Return the standard deviation at an earlier time of what is known now, and whose target is known.

        It is a bridge too, of the length `now`. Source: arXiv 2205.07680, equation 13; with `now` = 1 it is that of the
        whole bridge.
        """
        return math.sqrt(2 * self._variance * then * (now - then) / now)

    def back(
        self, predict: Prediction, end: Tensor, first: Tensor, later: Sequence[Tensor], steps: int, noise: float
    ) -> Tensor:
        """Return targets `(N, C, H, W)` from the other end, in some steps.

        Each step predicts the target, and goes to an earlier time on the bridge to that target. What is random on the
        bridge is drawn in the first step, and then kept: Zheng et al., arXiv 2405.15885, section 4. With `noise`, as in
        arXiv 2205.07680, a part of it is drawn anew in every step.

        Args:
            predict: predicts targets; one call for each step.
            end: `(N, C, H, W)`, the pictures at time 1.
            first: standard normal noise of that shape.
            later: likewise, for each step but the first and the last, if `noise` is above 0.
            steps: how many.
            noise: how much is drawn anew: from 0, nothing, to 1, as much as the bridge itself would draw.
        """
        picture, kept = end, first
        for step, (now, then) in enumerate(pairwise(times(steps))):
            target = predict(picture, now)
            if then == 0:
                return target
            if step:
                mean = (1 - now) * target + now * end
                kept = (picture - mean) / self.deviation(now)
            deviation, drawn = self.deviation(then), noise * self.drawn_deviation(now, then) if step else 0.0
            picture = (1 - then) * target + then * end + math.sqrt(deviation**2 - drawn**2) * kept
            if drawn:
                picture = picture + drawn * later[step - 1]
        raise ValueError("The way back takes 1 step or more.")


def times(steps: int) -> list[float]:
    """Return the times that a way back stops at, from 1 to 0: closer to one another near the target."""
    return [(1 - step / steps) ** 2 for step in range(steps + 1)]
