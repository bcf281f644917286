"""How large, how many and how long: what suits the pictures and the machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from itrans.api import WHITE, counted
from itrans_init.holdouts import FEWEST, best_parts

if TYPE_CHECKING:
    from itrans_init.pictures import Look
    from itrans_init.plan import Plan
    from itrans_init.sides import Layout

_FEW = 40
_SEEN = {"gpu": 80_000, "cpu": 8_000}
"""Pairs that training should see: on a GPU as many as the paper's labels -> facades (400 pairs, 200 epochs); on a CPU
as many as take minutes."""

_VALIDATIONS = 20
"""Validations in a run, about: each writes a line, and may save a checkpoint."""

_ALIKE = 1.03
"""By how much the widest picture may be wider than the narrowest, for its height, and still be of the same shape."""

_PART = 48
"""The side of the parts of sources that networks which make pictures larger are trained with: the paper's of EDSR."""

_PARTS = 16
"""How many of them in a step: likewise."""

_MOST_EPOCHS, _FEWEST_EPOCHS = 400, 2

_BAND, _ROOM = 4, 0.05
"""Values of 16 bits are taken as measurements where they fill less than this part of the range, the lowest being more
than this part of the highest; and the room for new pictures on both sides, as a share of the values."""


def choose_amounts(plan: Plan, layout: Layout, looks: list[Look], *, has_gpu: bool) -> None:
    """Choose size, network, batch and length."""
    where = "a GPU" if has_gpu else "a machine without a GPU"
    if plan.scale > 1:
        _choose_parts(plan, looks[0], has_gpu=has_gpu)
    else:
        _choose_size(plan, looks, where, has_gpu=has_gpu)
    count = layout.count
    trained = plan.count = count
    if not layout.splits:
        parts = best_parts(layout, are_pairs=layout.are_pairs)
        trained = parts.train
        of_each = "of each folder at least " if len(layout.sides) == 2 and not layout.are_pairs else ""
        plan.held_out = f"{of_each}{parts.text} (holdout = {parts.fraction})"
        plan.dataset["holdout"] = parts.fraction
        if parts.val < FEWEST:
            plan.notes.append(
                "By their names, hardly any fall into val, which chooses the best checkpoint. To choose them yourself, "
                "make folders train, val and test."
            )
        plan.comments["dataset.holdout"] = f"{of_each}{parts.text}: there is no folder val or test, and names decide"
    plan.batch_size = 1 if count < _FEW or plan.method == "cyclegan" else 4
    plan.comments["train.batch_size"] = (
        "of few pairs, as in the paper" if count < _FEW else "the paper's 1 is slower, and no better with many pairs"
    )
    if plan.method != "pix2pix":
        plan.comments["train.batch_size"] = "as in the paper"
    if plan.scale > 1:
        plan.batch_size = max(1, min(_PARTS, count // 4))
    seen = _SEEN["gpu" if has_gpu else "cpu"]
    plan.epochs = max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, round(seen / max(1, trained))))
    plan.validate_every = max(1, round(plan.epochs / _VALIDATIONS))
    plan.comments["validation.every"] = f"epochs: about {_VALIDATIONS} times in all"
    plan.comments["train.epochs"] = f"about {seen:,} pictures in all, which suits {where}; more is better"
    if count < _FEW:
        plan.unsure.append(
            f"With {counted(count, 'picture')}, a network learns these rather than what they have in common."
        )
    types = {name for look in looks for name in look.types}
    if types - {"uint8"}:
        plan.is_exact = True
        plan.comments["train.precision"] = "more than 8 bits: bf16 would keep 8 of them"
    _suggest_ranges(plan, looks)
    plan.found = f"{plan.found}: {looks[0].size_text}, {looks[0].kind_text}."


def _choose_size(plan: Plan, looks: list[Look], where: str, *, has_gpu: bool) -> None:
    """Choose how large pictures are trained with, and the network for them."""
    shortest, wanted = min(look.shortest for look in looks), 256 if has_gpu else 128
    side = _side_for(shortest, wanted)
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
    _note_small_pictures(plan, looks, wanted)
    if not is_even or (plan.resize is None and max(shapes) != 1):
        plan.unsure.append(
            f"The pictures are not square ({looks[0].size_text}) and are squeezed into squares in training; new ones "
            "are translated as they are. Pictures of one shape would keep it."
        )
    plan.comments["generator.depth"] = f"{side} can be halved {plan.depth} times"
    if not has_gpu:
        plan.comments["generator.filters"] = "the paper's 64 would take four times as long without a GPU"


def _side_for(shortest: int, wanted: int) -> int:
    """Return the side to train with: at most as wanted, and the largest power of two that fits."""
    return max(16, min(wanted, 1 << (max(shortest, 16).bit_length() - 1)))


def _note_small_pictures(plan: Plan, looks: list[Look], wanted: int) -> None:
    """Say which pictures are the reason, where a few small ones decide the size for all."""
    sides = [sorted(min(size) for size in look.sizes.elements()) for look in looks]
    usual = min(_side_for(ordered[len(ordered) // 2], wanted) for ordered in sides)
    if usual == plan.size:
        return
    small = max((_smaller_than(look, usual) for look in looks), key=len)
    name, size = small[0]
    more = len(small) - 1
    rest = f", and {more} more {'is' if more == 1 else 'are'} small" if more else ""
    them = "them" if more else "it"
    key = "crop" if plan.resize else "size"
    plan.notes.append(f"{key} = {plan.size}, because {name} is {size}{rest}. Without {them}, it would be {usual}.")


def _smaller_than(look: Look, side: int) -> list[tuple[str, str]]:
    """Return the pictures to train with that are lower or narrower than that, the smallest first."""
    found = [
        (min(stored[:2]), file, stored.size_text)
        for file, stored in look.stored.items()
        if min(stored[:2]) < side and stored[:2] in look.sizes
    ]
    return [(file, size) for _, file, size in sorted(found)]


def _suggest_ranges(plan: Plan, looks: list[Look]) -> None:
    """Suggest ranges of values where pictures of 16 bits use a narrow band, and the data set takes ranges."""
    if plan.dataset["name"] not in {"aligned", "paired"}:
        return
    found = {}
    for key, look in zip(("source_range", "target_range"), looks if len(looks) == 2 else looks * 2, strict=True):
        if look.values is None:
            continue
        low, high = look.values
        if low == high or (high - low) * _BAND > WHITE["uint16"] or low * _BAND < high:
            continue
        room = (high - low) * _ROOM
        step = 10 ** max(0, math.floor(math.log10(max(room, 1))))
        around = [math.floor((low - room) / step) * step, math.ceil((high + room) / step) * step]
        plan.ranges[key] = [max(0, around[0]), min(int(WHITE["uint16"]), around[1])]
        plan.comments[f"dataset.{key}"] = f"values are from {low} to {high}, a small part of 16 bits"
        found[key] = f"from {low} to {high}"
    if found:
        bands = " and ".join(dict.fromkeys(found.values()))
        plan.notes.append(
            f"Pictures of 16 bits have values {bands} only, so networks see hardly any contrast. If these are "
            f"measurements, use {' and '.join(found)}: the recipe has the lines as comments."
        )


def _choose_parts(plan: Plan, source: Look, *, has_gpu: bool) -> None:
    """Choose which parts of pictures that are made larger are trained with, and the network for them."""
    plan.size = min(_PART, source.shortest)
    plan.filters, plan.depth = (64, 16) if has_gpu else (32, 8)
    plan.comments |= {
        "augment.crop": f"of the source; of the target it is {plan.scale} times as much",
        "generator.scale": "as the data set's",
    }
