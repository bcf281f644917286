"""The recipe of a new plugin: its own components, and simple ones of itrans for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itrans_scaffold.names import Names

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


def recipe_text(names: Names, kinds: Sequence[str]) -> str:
    """Return a recipe that uses every component of a plugin, and trains for about a minute on two cores.

    Args:
        names: of the plugin.
        kinds: of its components.
    """

    def own(table: str) -> str:
        return f'{table}\nname = "{names.component}"\n'

    # A method is shown with a discriminator too; without, an image loss trains the generator alone, which is fast.
    adversarial = "discriminator" in kinds or "method" in kinds
    image_loss = own("[[loss]]") if "loss" in kinds else '[[loss]]\nname = "l1"\n'
    parts = [
        f"# Trains with what {names.distribution} brings. All paths are relative to where itrans is called.\n"
        f'title = "{names.distribution}"\nseed = 1\n',
        own("[dataset]") if "dataset" in kinds else _OPENMOJI,
        "[augment]\nsize = 64\n",
    ]
    if "transform" in kinds:
        parts.append(own("[[augment.transform]]") + 'on = "source"\n')
    if "method" in kinds:
        parts.append(own("[method]"))
    parts.append(own("[generator]") if "generator" in kinds else _UNET)
    if adversarial:
        parts.append(own("[discriminator]") if "discriminator" in kinds else _PATCHGAN)
        parts += [_CGAN, f"{image_loss}weight = 100.0\n"]
    else:
        parts.append(image_loss)
    # The small U-Net takes a third of the time of the templates' generator.
    parts.append(_TRAIN.format(lr="2e-4" if adversarial else "1e-3", steps=400 if "generator" in kinds else 1000))
    if "metric" in kinds:
        parts[-1] += f'metric = "{names.component}"\n'
    if "tracker" in kinds:
        parts.append(own("[[tracker]]"))
    return "\n".join(parts)
