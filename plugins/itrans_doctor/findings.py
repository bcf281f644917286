"""What is found out about an installation, one section after the other."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from itrans.api import cache_folder, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "torchmetrics",
    "albumentations",
    "opencv-python-headless",
    "numpy",
    "pydantic",
)
_EXTRAS = {
    "sample": "the sample data of most recipes: OpenMoji drawings",
    "digits": "the sample data of cgan_digits and gan_digits",
    "data": "itrans data prepare finds pictures that look alike",
    "export": "itrans export: ONNX, PyTorch programs, safetensors",
    "serve": "itrans serve: draw in the browser",
    "spandrel": "networks for restoration and super-resolution, as generators",
    "tensorboard": "the tracker tensorboard",
    "tiff": "more kinds of TIFF, and pictures of any size in tiles",
    "video": "itrans translate takes videos",
}
"""What each extra brings."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_OF_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_LITTLE_ROOM = 5 * 10**9
"""Bytes: a run of the paper's networks keeps checkpoints of 1 GB."""

_SECONDS = 300
_MEND = "Mend the package, or uninstall it: all the rest works."


@dataclass(frozen=True)
class Finding:
    """Something that was found out.

    Attributes:
        what: its name.
        value: how it is.
        advice: what to do about it; empty where nothing is wrong.
        is_fault: whether something does not work.
    """

    what: str
    value: str
    advice: str = ""
    is_fault: bool = False


@dataclass
class Section:
    """Findings about one thing."""

    title: str
    findings: list[Finding] = field(default_factory=list)


def sections() -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    """Yield the title of each section, and what finds out what is in it."""
    yield "Versions", versions
    yield "Devices", devices
    yield "Room", room
    yield "Extras", extras
    yield "Plugins", plugins


def versions() -> list[Finding]:
    """Return the versions of itrans, Python and the packages that it stands on."""
    found = [
        Finding("itrans", f"{_version('itrans')} in {Path(__file__).parents[1]}"),
        Finding("Python", f"{platform.python_version()} on {platform.platform(terse=True)}"),
    ]
    for name in _PACKAGES:
        version = _version(name)
        fault = "" if version or name == "torchvision" else f"pip install {name}"
        found.append(Finding(name, version or "not installed", fault, bool(fault)))
    others = [name for name in ("opencv-python", "opencv-contrib-python") if _version(name)]
    if others:
        advice = f"They hold the same files. pip uninstall {' '.join(others)} opencv-python-headless, then pip install "
        advice += "opencv-python-headless"
        found.append(Finding("OpenCV", f"{' and '.join(others)} beside opencv-python-headless", advice, is_fault=True))
    return found


def devices() -> list[Finding]:
    """Return what there is to compute on."""
    import torch

    from itrans.commands import devices as choices

    cpu = torch.device("cpu")
    native = choices.has_native_bf16(cpu)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = [
        Finding(
            "CPU",
            f"{_cpu_name()}, {counted(cores, 'core')} for this process, {counted(torch.get_num_threads(), 'thread')}",
        ),
        Finding(
            "bf16 on the CPU", "fast: 8-bit pictures are trained in it" if native else "not fast here: fp32 is used"
        ),
    ]
    if torch.get_num_threads() > cores:
        advice = f"More threads than cores wait for one another: export OMP_NUM_THREADS={cores}"
        found.append(Finding("threads", str(torch.get_num_threads()), advice))
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(number)
            fast = choices.has_native_bf16(torch.device("cuda", number))
            memory = f"{properties.total_memory / 1e9:.0f} GB"
            found.append(
                Finding(f"cuda:{number}", f"{properties.name}, {memory}, bf16 {'fast' if fast else 'not fast'}")
            )
    elif torch.version.cuda:
        seen = shutil.which("nvidia-smi") is not None
        advice = "nvidia-smi is here: the driver may be too old for this torch." if seen else ""
        found.append(Finding("CUDA", f"none found (torch is built for CUDA {torch.version.cuda})", advice))
    else:
        found.append(Finding("CUDA", "this torch is built without"))
    if torch.backends.mps.is_available():
        found.append(Finding("mps", "Apple's GPU"))
    chosen = choices.choose_device("auto")
    found.append(Finding("--device auto", str(chosen)))
    return found


def room() -> list[Finding]:
    """Return how much room there is on the disks that itrans writes to."""
    found = []
    for what, path in (
        ("runs", Path("runs")),
        ("cache", cache_folder("")),
        ("temporary files", Path(tempfile.gettempdir())),
    ):
        there = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())
        try:
            free = shutil.disk_usage(there).free
        except OSError as error:
            found.append(Finding(what, f"{path}: {error.strerror or error}", "Choose another folder.", is_fault=True))
            continue
        advice = "A run of the paper's networks writes about 1 GB." if free < _LITTLE_ROOM else ""
        if not os.access(there, os.W_OK):
            found.append(Finding(what, f"{path}: cannot be written to", "Choose another folder.", is_fault=True))
        else:
            found.append(Finding(what, f"{path}: {free / 1e9:.0f} GB free", advice))
    return found


def extras() -> list[Finding]:
    """Return which extras are installed, and what the others would bring."""
    found = []
    for name, packages in _packages_of_extras().items():
        brings = _EXTRAS.get(name)
        if brings is None:
            continue
        missing = [package for package in packages if not _version(package)]
        advice = f"pip install 'itrans[{name}]'" if missing else ""
        found.append(Finding(name, f"{'missing' if missing else 'installed'}: {brings}", advice))
    return found


def plugins() -> list[Finding]:
    """Return which components are installed, and which of them do not work."""
    command = [sys.executable, "-m", "itrans", "list-plugins", "--check", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        listed: list[dict[str, Any]] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError, OSError) as error:
        return [Finding("components", f"cannot be listed: {error}", "itrans list-plugins --check", is_fault=True)]
    packages = sorted({f"{entry['distribution']} {entry['version']}".strip() for entry in listed})
    found = [Finding("components", f"{len(listed)} of {', '.join(packages)}")]
    for entry in listed:
        if entry.get("status", "ok") != "ok":
            name = f"{entry['kind']} {entry['name']} ({entry['distribution']})"
            found.append(Finding(name, str(entry["status"]), _MEND, is_fault=True))
    return found + _broken_commands()


def _broken_commands() -> list[Finding]:
    """Return the commands of other packages that do not even show their help."""
    found = []
    for entry in importlib.metadata.entry_points(group="itrans.commands"):
        package = entry.dist.name if entry.dist is not None else ""
        if package == "itrans":
            continue
        command = [sys.executable, "-m", "itrans", entry.name, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if done.returncode:
            said = done.stderr.strip().removeprefix("Error: ")
            found.append(Finding(f"command {entry.name} ({package})", said, _MEND, is_fault=True))
    return found


def _packages_of_extras() -> dict[str, list[str]]:
    """Return the packages of each extra, as the installed itrans says."""
    found: dict[str, list[str]] = {}
    for text in importlib.metadata.requires("itrans") or []:
        if (extra := _OF_EXTRA.search(text)) and (name := _NAME.match(text)):
            found.setdefault(extra[1], []).append(name[0])
    return found


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
