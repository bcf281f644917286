"""Measuring a checkpoint on a split of its data set."""

from itrans_evaluate.evaluate import evaluate_checkpoint
from itrans_evaluate.result import Evaluation, Score

__all__ = ["Evaluation", "Score", "evaluate_checkpoint"]
