"""What a benchmark ran on: figures of another machine, or of other code, are other figures."""

from __future__ import annotations

import datetime as dt
import platform
import subprocess
from pathlib import Path

import torch

from itrans.cores import cores

_CAPABILITIES = {"avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX", "bf16": "BF16"}
"""What makes bf16 fast on a CPU, by torch's names."""


def cpu() -> str:
    """Return the CPU's name, how many cores this process may use, and whether it computes bf16 fast."""
    path, name = Path("/proc/cpuinfo"), platform.processor() or platform.machine()
    lines = path.read_text().splitlines() if path.exists() else []
    name = next((text.split(":", 1)[1].strip() for text in lines if text.startswith("model name")), name)
    capabilities = torch.cpu.get_capabilities()
    fast = [shown for key, shown in _CAPABILITIES.items() if capabilities.get(key) is True]
    count = cores()
    return f"{name}, {count} core{'s' * (count > 1)}, {' and '.join(fast) or 'neither AVX512-BF16 nor AMX'}"


def gpus() -> list[str]:
    """Return the names of the GPUs."""
    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return ["MPS"] if torch.backends.mps.is_available() else []


def device_name(device: torch.device) -> str:
    """Return what a device is called."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else cpu() if device.type == "cpu" else "MPS"


def commit() -> str:
    """Return the commit of this checkout, and whether files differ from it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        found = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip() + (", with changes that are not committed" if changed.stdout.strip() else "")


def circumstances() -> dict[str, str]:
    """Return what is printed above a table."""
    return {
        "CPU": cpu(),
        "GPU": ", ".join(gpus()) or "none",
        "torch": torch.__version__,
        "date": dt.date.today().isoformat(),
        "commit": commit(),
    }
