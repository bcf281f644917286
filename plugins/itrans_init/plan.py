"""From what a folder holds to what is trained with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from itrans.api import counted
from itrans_init.agreement import check_same_sizes, check_types, scale_of
from itrans_init.amounts import choose_amounts
from itrans_init.folders import layout_of
from itrans_init.pictures import classes_of, halves_of, look_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans_init.pictures import Classes, Look
    from itrans_init.sides import Layout, Side

_SAID_LABELS = ("label", "mask", "seg", "annotation", "class", "palette")


@dataclass
class Plan:
    """What to train, and why.

    Attributes:
        title: of the recipe.
        found: what is in the folder, in one line.
        dataset: the table `[dataset]`.
        comments: why a value is what it is, by its dotted key.
        size: height and width, which are the same, of what is trained with.
        resize: height and width that pictures are scaled to before a part of that size is cut out; None to scale to it.
        depth: of the U-Net; of a network that makes pictures larger, how many blocks it has.
        filters: of the first layer.
        batch_size: pairs in a step.
        epochs: how many.
        validate_every: so many epochs.
        method: "pix2pix", "cyclegan" or "super_resolution".
        scale: how many times as large as their sources the targets are.
        is_exact: whether pictures have more than the 8 bits that bf16 keeps.
        count: how many pictures, or pairs, there are to train with and to hold out.
        ranges: the arguments for ranges of values that pictures seem to need, see `[dataset]`.
        held_out: how many pairs are trained with and held out, where there are no folders for splits.
        unknown: how many pictures were not looked at.
        notes: sentences on what is surely so, and may surprise.
        unsure: sentences on what may be otherwise.
    """

    title: str
    found: str
    dataset: dict[str, Any]
    comments: dict[str, str] = field(default_factory=dict)
    size: int = 256
    resize: tuple[int, int] | None = None
    depth: int = 8
    filters: int = 64
    batch_size: int = 1
    epochs: int = 200
    validate_every: int = 1
    method: str = "pix2pix"
    scale: int = 1
    is_exact: bool = False
    count: int = 0
    ranges: dict[str, list[int]] = field(default_factory=dict)
    held_out: str = ""
    unknown: int = 0
    notes: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)


def plan_for(root: str, *, has_gpu: bool, advance: Callable[[], None] = lambda: None) -> Plan:
    """Return what to train with the pictures of a folder.

    Raises:
        DataError: there are none, or they do not fit together; the message says what to do.
    """
    layout = layout_of(root)
    looks = [look_at(layout.root, side.first_files, side.held_out_files, advance) for side in layout.sides]
    if len(layout.sides) == 1:
        plan = _of_one_folder(layout, looks[0], root)
    elif layout.are_pairs:
        plan = _of_pairs(layout, looks, root, advance)
    else:
        plan = _unpaired(layout, looks, root)
    choose_amounts(plan, layout, looks, has_gpu=has_gpu)
    plan.unsure[:0] = layout.unsure
    plan.unknown = sum(look.unknown for look in looks)
    unreadable = [fault for look in looks for fault in look.unreadable]
    if unreadable:
        plan.unsure.append(
            f"{counted(len(unreadable), 'picture')} cannot be read; run with --skip-bad to leave them out. The first: "
            f"{unreadable[0]}"
        )
    return plan


def _of_one_folder(layout: Layout, look: Look, root: str) -> Plan:
    (side,) = layout.sides
    check_types(layout.root, look)
    count = _counted(side, "picture")
    where = _place(root, side)
    halves = halves_of(layout.root, side.first_files)
    if halves is not None and (halves.are_alike or halves.are_twice_as_wide):
        direction = "AtoB" if halves.left_is_simpler else "BtoA"
        simple = "left" if halves.left_is_simpler else "right"
        dataset = {"name": "aligned", "root": where, "direction": direction} | _channels("channels", look)
        plan = Plan(f"{layout.root.name}: pix2pix", f"{count}, each two side by side ({look.kind_text})", dataset)
        plan.comments["dataset.name"] = "source and target side by side in one picture"
        other = "BtoA" if direction == "AtoB" else "AtoB"
        plan.comments["dataset.direction"] = (
            f"the source is the {simple} half, which has larger even areas; {other} is the other way"
        )
        plan.unsure.append("Which half is the source is a guess: see dataset.direction.")
        if not halves.are_alike:
            plan.unsure.append(
                "The pictures are twice as wide as high, but the halves do not look alike. For whole photos, take "
                'dataset = { name = "edges", root = ... }.'
            )
        look.halve()
        return plan
    dataset = {"name": "edges", "root": where, "method": "canny"} | _channels("channels", look)
    plan = Plan(f"{layout.root.name}: edges -> photo", f"{count} without partners ({look.kind_text})", dataset)
    plan.comments["dataset.name"] = "pictures alone: their edges are computed, and become pictures again"
    plan.unsure.append(
        'Pictures alone can be learnt from in other ways: name = "colorization" gives grey pictures colours, '
        'name = "inpainting" fills holes (leave "method" out for both).'
    )
    return plan


def _of_pairs(layout: Layout, looks: list[Look], root: str, advance: Callable[[], None]) -> Plan:
    said = [any(word in f"{side.template} {side.ending}".lower() for word in _SAID_LABELS) for side in layout.sides]
    classes = [
        classes_of(layout.root, side.all_files, is_said=is_said, advance=advance) if look.flatness > 0.5 else None
        for side, look, is_said in zip(layout.sides, looks, said, strict=True)
    ]
    if (classes[0] is None) != (classes[1] is None):
        return _of_labels(layout, looks, classes, root)
    for look in looks:
        check_types(layout.root, look)
    scale = scale_of(layout, looks)
    if scale == 1 and layout.is_order_guessed and looks[0].flatness < looks[1].flatness:
        layout.sides.reverse()
        looks.reverse()
    source, target = layout.sides
    dataset: dict[str, Any] = {"name": "paired", "root": root, "source": source.template, "target": target.template}
    for key, side in (("source_ending", source), ("target_ending", target)):
        if side.ending:
            dataset[key] = side.ending
    for key, look in zip(("source_channels", "target_channels"), looks, strict=True):
        dataset |= _channels(key, look)
    if scale > 1:
        dataset["scale"] = scale
    found = (
        f"{_counted(source, 'pair')}: {_called(source)} ({looks[0].kind_text}) -> {_called(target)} "
        f"({looks[1].kind_text})"
    )
    plan = Plan(f"{layout.root.name}: {_plain(source)} -> {_plain(target)}", found, dataset)
    plan.comments["dataset.name"] = "two folders; names without the suffix tell which pictures belong together"
    if scale > 1:
        plan.method, plan.scale = "super_resolution", scale
        plan.comments["dataset.scale"] = f"targets, {looks[1].size_text}, are {scale} times as large as sources"
    elif layout.is_order_guessed:
        plan.unsure.append(
            f"Which side is the source is a guess: {_called(source)}, which has larger even areas. For the other way, "
            "swap source and target."
        )
    return plan


def _of_labels(layout: Layout, looks: list[Look], classes: list[Classes | None], root: str) -> Plan:
    place = 0 if classes[0] is not None else 1
    labels, photos = layout.sides[place], layout.sides[1 - place]
    check_types(layout.root, looks[1 - place])
    check_same_sizes(layout, looks)
    found = classes[place]
    assert found is not None, "one side has classes"
    dataset: dict[str, Any] = {
        "name": "labels",
        "root": root,
        "label_folder": labels.template,
        "photo_folder": photos.template,
        "classes": found.count,
    }
    for key, side in (("label_ending", labels), ("photo_ending", photos)):
        if side.ending:
            dataset[key] = side.ending
    dataset |= {
        key: value
        for key, value in (("ignored", found.ignored), ("values", found.values), ("palette", found.palette))
        if value is not None
    }
    dataset |= _channels("photo_channels", looks[1 - place]) | {"direction": "labels_to_photo"}
    how = "colours" if found.palette else "indices"
    plan = Plan(
        f"{layout.root.name}: labels -> photo",
        f"{_counted(labels, 'pair')} of label maps ({found.count} classes, as {how}) and photos",
        dataset,
    )
    plan.comments["dataset.name"] = "label maps: networks see a plane for each class"
    plan.comments["dataset.classes"] = "counted in all label maps"
    plan.comments["dataset.direction"] = (
        'for photo_to_labels, put name = "cross_entropy" in place of both losses, and leave the discriminator out'
    )
    if found.ignored is not None:
        plan.comments["dataset.ignored"] = "taken for the value of no class, because no value is near it"
        plan.unsure.append(f"Whether {found.ignored} stands for no class is a guess.")
    if found.palette is not None:
        plan.comments["dataset.palette"] = "the colours that occur, in the order of their values"
    return plan


def _unpaired(layout: Layout, looks: list[Look], root: str) -> Plan:
    one, other = layout.sides
    for look in looks:
        check_types(layout.root, look)
    dataset: dict[str, Any] = {"name": "unaligned", "root": root, "folder_a": one.template, "folder_b": other.template}
    both = type(looks[0])()
    for look in looks:
        both.channels += look.channels
    dataset |= _channels("channels", both)
    found = (
        f"{len(one.all_files)} pictures in {one.template} and {len(other.all_files)} in {other.template}, whose names "
        "have nothing in common"
    )
    plan = Plan(f"{layout.root.name}: {_plain(one)} <-> {_plain(other)}", found, dataset, method="cyclegan")
    plan.comments["dataset.name"] = "two folders without pairs"
    layout.unsure.append(
        "The two folders are taken as unpaired. If they hold pairs, give both pictures of a pair one name."
    )
    return plan


def _channels(key: str, look: Look) -> dict[str, int]:
    """Return the argument that converts pictures to one number of channels, if they have several."""
    if len(look.channels) < 2 or not set(look.channels) <= {1, 3, 4}:
        return {}
    return {key: 3}


def _place(root: str, side: Side) -> str:
    return f"{root.rstrip('/')}/{side.template}" if side.template and side.template != "{split}" else root


def _counted(side: Side, noun: str) -> str:
    """Return how many pictures, or pairs, there are to train with and how many are held out."""
    held_out = [f"{len(files)} in {split}" for split, files in side.files.items() if split not in {"", "train"}]
    return counted(len(side.first_files), noun) + (f" (and {', '.join(held_out)})" if held_out else "")


def _called(side: Side) -> str:
    return f"*{side.ending}" if side.ending else side.template.replace("{split}/", "")


def _plain(side: Side) -> str:
    return _called(side).replace("{split}", "").strip("/*_-.") or "pictures"
