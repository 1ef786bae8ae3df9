"""What a student's layers multiply while training: float32, or bfloat16 where the hardware multiplies it."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from smaller_labse.distill.training_arguments import AUTO, BFLOAT16, FLOAT32

# Instructions of x86 that multiply and add bfloat16 (Intel's Architecture Instruction Set Extensions).
INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16"})
CAPABILITY = (8, 0)  # from which on NVIDIA's GPUs do (CUDA C++ Programming Guide, "Compute Capabilities")
PROCESSORS = Path("/proc/cpuinfo")


def training_precision(wanted: str) -> str:
    """The precision of a training, "float32" or "bfloat16".

    Args:
        wanted: one of the two; or "auto": bfloat16 where all GPUs, or without one the processor, multiply it.
    """
    if wanted != AUTO:
        return wanted
    return BFLOAT16 if _multiplies_bfloat16() else FLOAT32


def _multiplies_bfloat16() -> bool:
    if gpus := tf.config.list_physical_devices("GPU"):
        described = map(tf.config.experimental.get_device_details, gpus)
        return all(each.get("compute_capability", (0, 0)) >= CAPABILITY for each in described)
    return bool(INSTRUCTIONS & _instructions())


def _instructions() -> set[str]:
    """What the processor can do, by Linux's names; nothing where Linux does not tell."""
    try:
        lines = PROCESSORS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {name for line in lines if line.startswith("flags") for name in line.partition(":")[2].split()}
