"""The device that models run on: a GPU that PyTorch can use, else the CPU."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from retriever.errors import ParameterError

DEVICE = "LAB_DEVICE"  # environment variable: the device of models for which none is asked
CPU = "cpu"
# Of the drivers of NVIDIA, NVIDIA's boards, AMD, and Windows in its Linux: without any of them Linux has no GPU for us.
DRIVER_FILES = ("/dev/nvidiactl", "/dev/nvhost-ctrl", "/dev/kfd", "/dev/dxg")


def resolve_device(requested: str | None = None) -> str:
    """Return the device that models run on, such as "cuda:0", "mps" or "cpu".

    requested: None takes the one that LAB_DEVICE names; where it is not set, CUDA or Apple's MPS if there is one.
    Raises ParameterError for a device that is not there.
    """
    requested = requested or os.environ.get(DEVICE, "").strip() or None
    if requested == CPU or (requested is None and not _may_have_gpu()):
        return CPU  # without PyTorch, whose import takes a second or two
    return choose_device(requested, available_devices())


def choose_device(requested: str | None, available: Sequence[str]) -> str:
    """Return the requested one of the available devices, or the first for None; "cuda" is the first of CUDA's.

    available: best first, in PyTorch's words. Raises ParameterError for a device that is not among them.
    """
    for device in available:
        if requested in (None, device, device.partition(":")[0]):
            return device
    raise ParameterError(
        f"The device {requested!r} is not there: models can run on {', '.join(available)}. Give one of these, or leave "
        f"it out (device, or the setting {DEVICE}) for the best."
    )


def available_devices() -> list[str]:
    """Return the devices that PyTorch can use here, best first: CUDA's by number, Apple's MPS, the CPU."""
    import torch

    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return [*cuda, *(["mps"] if torch.backends.mps.is_available() else []), CPU]


def _may_have_gpu() -> bool:
    """Return whether this machine may have a GPU, by the files of its drivers."""
    return sys.platform != "linux" or any(Path(file).exists() for file in DRIVER_FILES)
