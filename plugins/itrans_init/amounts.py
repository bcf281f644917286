"""How large, how many and how long: what suits the pictures and the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.api import counted

if TYPE_CHECKING:
    from itrans_init.folders import Layout
    from itrans_init.pictures import Look
    from itrans_init.plan import Plan

_FEW = 40
_SEEN = {"gpu": 80_000, "cpu": 8_000}
"""Pairs that training should see: on a GPU as many as the paper's labels -> facades (400 pairs, 200 epochs); on a CPU
as many as take minutes."""

HOLDOUTS = (0.1, 0.2, 0.3, 0.5)
"""Parts that are held out, the smallest first."""

_ALIKE = 1.03
"""By how much the widest picture may be wider than the narrowest, for its height, and still be of the same shape."""

_PART = 48
"""The side of the parts of sources that networks which make pictures larger are trained with: the paper's of EDSR."""

_PARTS = 16
"""How many of them in a step: likewise."""

_MOST_EPOCHS, _FEWEST_EPOCHS = 400, 2


def choose_amounts(plan: Plan, layout: Layout, looks: list[Look], *, has_gpu: bool) -> None:
    """Choose size, network, batch and length."""
    where = "a GPU" if has_gpu else "a machine without a GPU"
    if plan.scale > 1:
        _choose_parts(plan, looks[0], has_gpu=has_gpu)
    else:
        _choose_size(plan, looks, where, has_gpu=has_gpu)
    count = layout.count
    held_out = not layout.splits
    plan.count = count
    plan.batch_size = 1 if count < _FEW or plan.method == "cyclegan" else 4
    plan.comments["train.batch_size"] = (
        "of few pairs, as in the paper" if count < _FEW else "the paper's 1 is slower, and no better with many pairs"
    )
    if plan.method != "pix2pix":
        plan.comments["train.batch_size"] = "as in the paper"
    if plan.scale > 1:
        plan.batch_size = max(1, min(_PARTS, count // 4))
    seen = _SEEN["gpu" if has_gpu else "cpu"]
    plan.epochs = max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, round(seen / max(1, count))))
    plan.comments["train.epochs"] = f"about {seen:,} pictures in all, which suits {where}; more is better"
    if held_out:
        plan.comments["dataset.holdout"] = (
            "there is no folder val or test: this share of the pairs is kept to measure on"
        )
        plan.dataset["holdout"] = HOLDOUTS[0]
    if count < _FEW:
        plan.unsure.append(
            f"With {counted(count, 'picture')}, a network learns these rather than what they have in common."
        )
    types = {name for look in looks for name in look.types}
    if types - {"uint8"}:
        plan.is_exact = True
        plan.comments["train.precision"] = "more than 8 bits: bf16 would keep 8 of them"
    plan.found = f"{plan.found}: {looks[0].size_text}, {looks[0].kind_text}."


def _choose_size(plan: Plan, looks: list[Look], where: str, *, has_gpu: bool) -> None:
    """Choose how large pictures are trained with, and the network for them."""
    shortest, wanted = min(look.shortest for look in looks), 256 if has_gpu else 128
    side = max(16, min(wanted, 1 << (max(shortest, 16).bit_length() - 1)))
    plan.size = side
    plan.depth = max(2, side.bit_length() - 1)
    plan.filters = 64 if has_gpu else 32
    shapes = {width / height for look in looks for width, height in look.sizes}
    is_even = max(shapes) / min(shapes) < _ALIKE
    size_comment = f"the smallest picture is {shortest} pixels high or wide" if side < wanted else f"what suits {where}"
    larger = side * 286 // 256
    if shortest >= larger:
        shape = max(shapes) if is_even else 1
        plan.resize = (round(larger / min(shape, 1)), round(larger * max(shape, 1)))
        plan.comments["augment.crop"] = f"{size_comment}; cut out at random"
    else:
        plan.comments["augment.size"] = size_comment
    if not is_even or (plan.resize is None and max(shapes) != 1):
        plan.unsure.append(
            f"The pictures are not square ({looks[0].size_text}) and are squeezed into squares in training; new ones "
            "are translated as they are. Pictures of one shape would keep it."
        )
    plan.comments["generator.depth"] = f"{side} can be halved {plan.depth} times"
    if not has_gpu:
        plan.comments["generator.filters"] = "the paper's 64 would take four times as long without a GPU"


def _choose_parts(plan: Plan, source: Look, *, has_gpu: bool) -> None:
    """Choose which parts of pictures that are made larger are trained with, and the network for them."""
    plan.size = min(_PART, source.shortest)
    plan.filters, plan.depth = (64, 16) if has_gpu else (32, 8)
    plan.comments |= {
        "augment.crop": f"of the source; of the target it is {plan.scale} times as much",
        "generator.scale": "as the data set's",
    }
