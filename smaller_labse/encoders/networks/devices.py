"""Devices: what TensorFlow and PyTorch call the one that a user names, and whether it is there."""

from __future__ import annotations

from smaller_labse.common.arguments import check, device_name
from smaller_labse.common.errors import UsageError

HELP = "docs/gpu.md says what a GPU needs"


def tensorflow_device(device: str) -> str:
    """TensorFlow's name of a device.

    Args:
        device: "cpu", "gpu" or "gpu:1"; see `smaller_labse.common.arguments.device_name`.

    Raises:
        UsageError: it is no name of a device, or TensorFlow finds no such device.
    """
    import tensorflow as tf

    kind, number = _split(device)
    found = [
        name
        for known in ("cpu", "gpu")
        for name in _numbered(known, len(tf.config.list_logical_devices(known.upper())))
    ]
    _require(device, f"{kind}:{number}", found, "TensorFlow")
    return f"/device:{kind.upper()}:{number}"


def torch_device(device: str) -> str:
    """PyTorch's name of a device; a Mac's GPU is its "mps".

    Args:
        device: as for `tensorflow_device`.

    Raises:
        UsageError: it is no name of a device, or PyTorch finds no such device.
    """
    import torch

    kind, number = _split(device)
    mps = torch.backends.mps.is_available()
    gpus = 1 if mps else torch.cuda.device_count()
    _require(device, f"{kind}:{number}", ["cpu:0", *_numbered("gpu", gpus)], "PyTorch")
    if kind == "cpu":
        return "cpu"
    return "mps" if mps else f"cuda:{number}"


def _split(device: str) -> tuple[str, int]:
    kind, _, number = check("device", device_name, device).partition(":")
    return kind, int(number or 0)


def _numbered(kind: str, count: int) -> list[str]:
    return [f"{kind}:{number}" for number in range(count)]


def _require(device: str, wanted: str, found: list[str], library: str) -> None:
    if wanted not in found:
        raise UsageError(
            f"device {device!r}: {library} finds no such device here, only {', '.join(found)}; {HELP}"
        )
