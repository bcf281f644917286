"""Measuring a checkpoint on a split of its data set."""

from itrans.evaluation.evaluate import evaluate_checkpoint
from itrans.evaluation.result import Evaluation, Score

__all__ = ["Evaluation", "Score", "evaluate_checkpoint"]
