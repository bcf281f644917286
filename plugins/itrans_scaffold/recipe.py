"""The recipe of a new plugin: its own components, and simple ones of itrans for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.api import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans_scaffold.names import Names, Part

_OPENMOJI = """\
# Line drawings and their coloured versions. For pictures of your own: name = "aligned", and root = their folder.
[dataset]
name = "openmoji"
"""

_UNET = """\
[generator]
name = "unet"
depth = 5
filters = 24
norm = "instance"
"""

_PATCHGAN = """\
[discriminator]
name = "patchgan"
patch = 16
filters = 32
norm = "instance"
"""

_CGAN = """\
[[loss]]
name = "cgan"
"""

_TRAIN = """\
[optimizer]
lr = {lr}

[train]
batch_size = 8
steps = {steps}

[validation]
pairs = 64
"""


def recipe_text(names: Names, parts: Sequence[Part]) -> str:
    """Return a recipe that uses the components of a plugin, and trains for about a minute on two cores.

    Of several of a kind that a recipe has one of, it uses the first.

    Args:
        names: of the plugin.
        parts: its components.
    """
    kinds = {part.kind for part in parts}

    def own(table: str) -> list[str]:
        return [f'{table}\nname = "{part.name}"\n' for part in parts if part.kind == table.strip("[]")]

    # A method is shown with a discriminator too; without, an image loss trains the generator alone, which is fast.
    adversarial = "discriminator" in kinds or "method" in kinds
    image_losses = own("[[loss]]") or ['[[loss]]\nname = "l1"\n']
    tables = [
        f"# Trains with what {names.distribution} brings. All paths are relative to where itrans is called.\n"
        f'title = "{names.distribution}"\nseed = 1\n',
        *(own("[dataset]")[:1] or [_OPENMOJI]),
        "[augment]\nsize = 64\n",
        *own("[method]")[:1],
        *(own("[generator]")[:1] or [_UNET]),
    ]
    if adversarial:
        tables += [*(own("[discriminator]")[:1] or [_PATCHGAN]), _CGAN]
        tables += [f"{loss}weight = 100.0\n" for loss in image_losses]
    else:
        tables += image_losses
    # The small U-Net takes a third of the time of the templates' generator.
    tables.append(_TRAIN.format(lr="2e-4" if adversarial else "1e-3", steps=400 if "generator" in kinds else 1000))
    metrics = [part.name for part in parts if part.kind == "metric"]
    if metrics:
        tables[-1] += f'metric = "{metrics[0]}"\n'
    if metrics[1:]:
        tables[-1] += f"metrics = [{', '.join(quoted(metrics[1:]))}]\n"
    tables += own("[[tracker]]")
    return "\n".join(tables)
