"""A plan as a recipe with comments."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from itrans.api import printable

if TYPE_CHECKING:
    from itrans_init.plan import Plan

_WIDTH, _LONGEST = 32, 110


def recipe_text(plan: Plan, command: str) -> str:
    """Return the text of a recipe."""
    lines = [f"# {printable(plan.found)}", f"# Written by: {printable(command)}"]
    if plan.unsure:
        lines += ["#", "# What itrans is not sure of:"]
        for note in plan.unsure:
            lines += textwrap.wrap(printable(note), _LONGEST, initial_indent="# - ", subsequent_indent="#   ")
    lines += ["", f"title = {_value(plan.title)}", "seed = 1", ""]
    for name, table in _tables(plan):
        lines.append(f"[[{name}]]" if name == "loss" else f"[{name}]")
        lines += [_line(f"{key} = {_value(value)}", plan.comments.get(f"{name}.{key}")) for key, value in table.items()]
        if name == "dataset":
            lines += [
                f"# {key} = {_value(value)}  # {plan.comments[f'dataset.{key}']}" for key, value in plan.ranges.items()
            ]
        lines.append("")
    return "\n".join(lines)


def _tables(plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    size = plan.size
    augment: dict[str, Any] = {"size": size}
    if plan.resize is not None:
        height, width = plan.resize
        augment = {"resize": height if height == width else [height, width], "crop": size}
    tables: list[tuple[str, dict[str, Any]]] = [("dataset", plan.dataset), ("augment", augment | {"mirror": True})]
    if plan.method == "cyclegan":
        tables += [
            ("method", {"name": "cyclegan", "pool": 50}),
            ("generator", {"name": "resnet", "blocks": 9 if size >= 256 else 6, "filters": plan.filters}),
            ("discriminator", {"name": "patchgan", "patch": 70 if size >= 128 else 34, "norm": "instance"}),
            ("loss", {"name": "gan", "objective": "lsgan"}),
            ("loss", {"name": "cycle", "weight": 10.0}),
            ("loss", {"name": "identity", "weight": 5.0}),
        ]
    elif plan.method == "super_resolution":
        tables[1] = ("augment", {"crop": size, "mirror": True})
        edsr = {"name": "edsr", "scale": plan.scale, "filters": plan.filters, "blocks": plan.depth}
        tables += [("generator", edsr), ("loss", {"name": "l1"})]
    else:
        tables += [
            ("generator", {"name": "unet", "depth": plan.depth, "filters": plan.filters}),
            ("discriminator", {"name": "patchgan", "patch": 70 if size >= 128 else 34 if size >= 64 else 16}),
            ("loss", {"name": "cgan"}),
            ("loss", {"name": "l1", "weight": 100.0}),
        ]
    train: dict[str, Any] = {"batch_size": plan.batch_size, "epochs": plan.epochs}
    if plan.is_exact:
        train["precision"] = "fp32"
    betas = [0.5, 0.999] if plan.method != "super_resolution" else [0.9, 0.999]
    tables += [("optimizer", {"name": "adam", "lr": 2e-4, "betas": betas}), ("train", train)]
    return tables if plan.validate_every == 1 else [*tables, ("validation", {"every": plan.validate_every})]


def _line(text: str, comment: str | None) -> str:
    if comment is None:
        return text
    if len(text) < _WIDTH and _WIDTH + 3 + len(comment) <= _LONGEST:
        return f"{text:{_WIDTH}} # {comment}"
    above = textwrap.wrap(comment, _LONGEST, initial_indent="# ", subsequent_indent="# ")
    return "\n".join([*above, text])


def _value(value: Any) -> str:
    """Return a value as TOML; JSON is the same for texts, numbers and lists of them."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")  # which TOML does not take as it is
