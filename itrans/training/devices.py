"""Which device, which precision, which memory layout: what is asked for, or what this machine does best."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

from itrans.errors import DeviceError, counted
from itrans.pictures.kinds import kind_of

if TYPE_CHECKING:
    from itrans.pictures.spec import ImageSpec

Precision: TypeAlias = Literal["auto", "fp32", "bf16", "fp16"]


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """Return the device of a name.

    Args:
        name: `auto` (the first of CUDA, MPS and CPU that is there), `cpu`, `mps`, `cuda` or `cuda:N`.
        local_rank: which of this machine's processes this is; `auto` and `cuda` give each a GPU of its own.

    Raises:
        DeviceError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f'"{name}" is not a device. {_devices_here()}') from None
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", local_rank)
    count = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }.get(device.type, 0)
    if (device.index or 0) >= count:
        raise DeviceError(f'There is no device "{device}" here. {_devices_here()}')
    return device


def choose_dtype(precision: Precision, device: torch.device, *specs: ImageSpec) -> torch.dtype:
    """Return the type that convolutions are computed in.

    `auto` is bf16 where the hardware has it, and fp32 elsewhere. It is always fp32 for pictures of more than 8 bits,
    because bf16 keeps only 8.

    Raises:
        DeviceError: the device cannot train in that precision.
    """
    if precision == "auto":
        if any(kind_of(spec).is_fine(spec) for spec in specs):
            return torch.float32
        return torch.bfloat16 if has_native_bf16(device) else torch.float32
    if precision == "fp16" and device.type != "cuda":
        raise DeviceError('train.precision = "fp16" needs a CUDA device; here use "auto", "bf16" or "fp32".')
    if precision == "bf16" and device.type == "mps" and platform.mac_ver()[0].split(".")[0] < "14":
        raise DeviceError('train.precision = "bf16" needs macOS 14 or newer on this device; use "auto" or "fp32".')
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def has_native_bf16(device: torch.device) -> bool:
    """Whether bf16 is faster than fp32: a CPU without AVX512-BF16 or AMX takes twice as long with it instead."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name) is True for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return False


def choose_memory_format(
    channels_last: bool | Literal["auto"], device: torch.device, dtype: torch.dtype
) -> torch.memory_format:
    """Return how tensors lie in memory while training.

    `auto` is channels last for reduced precision on CUDA, whose tensor cores want it. On a CPU it is not: convolutions
    gain a little by it, but the fused optimiser copies weights that lie so, and loses more (see
    tests/benchmarks/step.py --all).
    """
    if channels_last == "auto":
        channels_last = device.type == "cuda" and dtype != torch.float32
    return torch.channels_last if channels_last else torch.contiguous_format


def memory_format_at_test_time(device: torch.device, dtype: torch.dtype) -> torch.memory_format:
    """Return how tensors lie in memory while translating: with channels last wherever that is faster.

    Unlike in training, no optimiser has to walk over weights that lie so.
    """
    is_last = dtype != torch.float32 and device.type in {"cpu", "cuda"}
    return torch.channels_last if is_last else torch.contiguous_format


def where_and_how(device: torch.device, dtype: torch.dtype, processes: int) -> str:
    """Return a phrase about where and how a run computes: `on the CPU (2 threads) in bf16, 2 processes`."""
    precision = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}[dtype]
    cpu = f"the CPU ({counted(torch.get_num_threads(), 'thread')})"
    where = {"cpu": cpu, "mps": "the GPU (MPS)"}.get(device.type, str(device))
    return f"on {where} in {precision}" + (f", {processes} processes" if processes > 1 else "")


def _devices_here() -> str:
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.append("mps")
    if torch.cuda.is_available():
        names += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return f"This machine has: {', '.join(names)}."
