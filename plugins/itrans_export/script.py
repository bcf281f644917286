"""The `translate.py` beside an ONNX file: what it takes to translate pictures without itrans."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itrans_export.description import Description

_MOST_LINES = 60

_HEAD = '''\
"""{about}
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

MULTIPLE = {multiple}  # of which the height and the width that the network takes are multiples


def reflected(size):
    """Return the positions of a side that is reflected at both ends, up to a multiple."""
    missing = -size % MULTIPLE
    positions = np.arange(-(missing // 2), size + missing - missing // 2) % max(2 * (size - 1), 1)
    return np.minimum(positions, 2 * (size - 1) - positions)


def read(path):
    """Return a picture as the network sees it, (channels, height, width) from -1 to 1, and as it is read."""
    image = cv2.imread(str(path), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if image is None or image.dtype not in ({types}):
        raise SystemExit(f"{{path}} is not a picture of {bits} bits.")
'''

_MAIN = """\


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("pictures", nargs="+", type=Path)
parser.add_argument("-o", "--output", required=True, type=Path)
{arguments}arguments = parser.parse_args()
session = onnxruntime.InferenceSession(str(Path(__file__).with_name("model.onnx")))
arguments.output.mkdir(parents=True, exist_ok=True)
{notice}for path in arguments.pictures:
    planes, image = read(path)
    height, width = planes.shape[1:]
    source = planes[None][:, :, reflected(height)[:, None], reflected(width)]
{before}    made = session.run(None, {inputs})[0][0]
    top, left = -height % MULTIPLE // 2, -width % MULTIPLE // 2
    made = made[:, {rows}, {columns}].transpose(1, 2, 0)
{output}    if not cv2.imwrite(str(arguments.output / f"{{path.stem}}.png"), image):
        raise SystemExit(f"The translation of {{path}} cannot be written.")
"""

_ALPHA = """\
    whole = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if whole.ndim == 3 and whole.shape[2] == 4:  # what is transparent is laid on {colour}
        alpha, white = whole[:, :, 3:] / np.iinfo(whole.dtype).max, np.iinfo(whole.dtype).max
        image = np.rint(whole[:, :, :3] * alpha + np.array({bgr}) * white * (1 - alpha)).astype(whole.dtype)
"""

_TO = {
    1: "    image = (image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[:, :, None]\n",
    3: "    image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)\n",
}

_RGB_OF = {
    1: "",
    3: "    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)\n",
    4: "    image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)\n",
}

_SCALED = """\
    white = np.iinfo(image.dtype).max
    return image.transpose(2, 0, 1).astype(np.float32) / (white / 2) - 1, image
"""

_RANGED = """\
    if image.min() < {low} or image.max() > {high}:
        raise SystemExit(f"{{path}} has values from {{image.min()}} to {{image.max()}}, outside of {low} to {high}.")
    return (image.transpose(2, 0, 1).astype(np.float32) - {low}) / {half} - 1, image
"""

_LABELS = """\
    if image.ndim != 2 or image.max() >= {labels}{unless}:
        raise SystemExit(f"{{path}} is not a label map: grey values from 0 to {last}, which are classes.")
    hot = image == np.arange({labels})[:, None, None]{but}
    return np.where(hot, 1, -1).astype(np.float32), image
"""


def is_simple(description: Description) -> bool:
    """Whether a script of numpy and OpenCV reads and writes such pictures."""
    source, target = description.source, description.target
    reads = (source.kind == "image" and source.channels in {1, 3, 4}) or source.kind in {"labels", "lightness"}
    draws = target.kind == "image" and target.channels in {1, 3, 4}
    colours = target.kind == "ab" and source.kind == "lightness"
    stored = {source.dtype, target.dtype} <= {"uint8", "uint16"}
    return reads and stored and float(description.scale).is_integer() and (draws or colours or target.kind == "labels")


def script_of(description: Description, preparation: str = "") -> str:
    """Return a program in at most 60 lines, with what this network needs and nothing else.

    Args:
        description: of the network, which has to be simple.
        preparation: what the data set did to pictures before they were sources, as the end of a sentence.
    """
    inputs, arguments = '{"source": source}', ""
    if description.noise:
        drawn = [
            f'"noise_{number}": noise.{_DRAWN[name].format(shape=(1, *shape))}.astype("f4")'
            for number, (shape, name) in enumerate(description.noise, start=1)
        ]
        inputs = '{"source": source, ' + ", ".join(drawn) + "}"
        arguments = 'parser.add_argument("--seed", type=int, default=0, help="of the noise")\n'
    notice = 'print("This network was trained on sample data.")\n' if description.sample is not None else ""
    before = "    noise = np.random.default_rng(arguments.seed)\n" if description.noise else ""
    if description.size is not None:
        height, width = description.size
        before += (
            f"    if source.shape[2:] != ({height}, {width}):\n"
            f'        raise SystemExit(f"{{path}} is {{width}}x{{height}}, and the network takes {width}x{height}.")\n'
        )
    rows, columns = (_part(*names, int(description.scale)) for names in (("top", "height"), ("left", "width")))
    output = _writing(description)
    main = _MAIN.format(
        arguments=arguments, notice=notice, before=before, inputs=inputs, rows=rows, columns=columns, output=output
    )
    types = [description.source.dtype] if description.source.has_range else ["uint8", "uint16"]
    types = ["uint8"] if description.source.kind == "lightness" else types
    body = _HEAD.format(
        about="{about}",
        multiple=description.size_multiple,
        types=", ".join(f"np.{name}" for name in types) + ("," if len(types) == 1 else ""),
        bits=" or ".join(name.removeprefix("uint") for name in types),
    )
    body += _reading(description) + main
    room = _MOST_LINES - len(body.splitlines()) + 1
    return body.replace("{about}", _about(description, preparation, room), 1)


_DRAWN = {"normal": "normal(size={shape})", "uniform": "uniform(-1, 1, size={shape})"}


def _part(first: str, length: str, scale: int) -> str:
    """Return which of an output's rows, or columns, are the picture's."""
    return f"{first} : {first} + {length}" if scale == 1 else f"{scale} * {first} : {scale} * ({first} + {length})"


def _reading(description: Description) -> str:
    source = description.source
    if source.kind == "labels":
        labels, ignored = source.planes, source.ignored
        unless = "" if ignored is None else f" and image[image != {ignored}].max(initial=0) >= {labels}"
        but = "" if ignored is None or ignored >= labels else f" & (image != {ignored})"
        return _LABELS.format(labels=labels, last=labels - 1, unless=unless, but=but)
    if source.has_range:
        low, high = source.range
        read = "" if source.channels == 1 else "    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)\n"
        return (
            f"{read}    image = image[:, :, None] if image.ndim == 2 else image\n"
            f"    if image.shape[2] != {source.channels}:\n"
            f'        raise SystemExit(f"{{path}} has {{image.shape[2]}} channels, and {source.channels} are taken.")\n'
            + _RGB_OF[source.channels]
            + _RANGED.format(low=f"{low:g}", high=f"{high:g}", half=repr((high - low) / 2))
        )
    if source.channels == 4:
        return (
            "    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)\n"
            "    if image.ndim != 3 or image.shape[2] != 4:\n"
            '        raise SystemExit(f"{path} does not have four channels, as in training.")\n'
            "    image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)\n" + _SCALED
        )
    alpha = _ALPHA.format(colour=description.background, bgr=_bgr(description.background))
    if source.kind == "lightness":
        return alpha + _TO[3] + "    image = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[:, :, :1]\n" + _SCALED
    return alpha + _TO[source.channels] + _SCALED


def _writing(description: Description) -> str:
    source, target = description.source, description.target
    dtype = "image.dtype" if source.dtype == target.dtype else f"np.dtype(np.{target.dtype})"
    if target.kind == "labels":
        return f"    image = made.argmax(axis=2).astype(np.{target.dtype})\n"
    stored = (
        f"    half = np.iinfo({dtype}).max / 2\n    made = np.rint((made.clip(-1, 1) + 1) * half).astype({dtype})\n"
    )
    if target.has_range:
        low, high = target.range
        scale = f"{(high - low) / 2!r} + {low:g}"
        stored = f"    made = np.rint((made.clip(-1, 1) + 1) * {scale}).astype(np.{target.dtype})\n"
    if target.kind == "ab":
        return stored + "    image = cv2.cvtColor(np.concatenate([image, made], axis=2), cv2.COLOR_LAB2BGR)\n"
    conversion = {1: "made", 3: "cv2.cvtColor(made, cv2.COLOR_RGB2BGR)", 4: "cv2.cvtColor(made, cv2.COLOR_RGBA2BGRA)"}
    return stored + f"    image = {conversion[target.channels]}\n"


def _about(description: Description, preparation: str, room: int) -> str:
    """Return what stands at the top, in so many lines."""
    title = " ".join(description.title.split()) or "a network"
    random = f"dropout {description.dropout}" + (f", seed {description.seed}" if description.dropout != "off" else "")
    lines = [f"With model.onnx: {title}; itrans {description.itrans}, mode {description.mode}, {random}."]
    if description.fixed:
        lines.append(f"Part of the network: {description.fixed}.")
    if description.sample is not None:
        lines.append(f"It was trained on sample data. {description.sample}")
    elif description.attribution:
        lines.append(description.attribution)
    if preparation:
        lines.append(f"Pictures are taken as they are. In training, {preparation}.")
    wrapped = [part for line in lines for part in textwrap.wrap(line, 110)]
    if len(wrapped) > room - 3:
        wrapped = [*wrapped[: room - 4], "..."]
    head = ["Translate pictures: python translate.py PICTURES... -o FOLDER", ""]
    text = "\n".join([*head, *wrapped, "Needs numpy, opencv-python and onnxruntime."])
    return text.replace("\\", "/").replace('"""', "'''")


def _bgr(colour: str) -> list[float]:
    from PIL.ImageColor import getrgb

    return [round(value / 255, 4) for value in getrgb(colour)[2::-1]]
