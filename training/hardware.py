"""What a training runs on, whichever backend of Keras it uses."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path

import keras

from training import TrainingError


class HardwareError(TrainingError):
    """The machine or the backend cannot do what was asked; the message says what it can."""


Accelerator = tuple[str, float]  # name, compute capability (0: unknown)


def accelerators() -> list[Accelerator]:
    """GPUs that the backend sees."""
    if keras.backend.backend() == "jax":
        import jax

        devices = [device for device in jax.local_devices() if device.platform != "cpu"]
        return [(device.device_kind, float(getattr(device, "compute_capability", 0))) for device in devices]
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return [
        (each.get("device_name", "GPU"), float("{}.{}".format(*each.get("compute_capability", (0, 0)))))
        for each in details
    ]


def multiplies_bfloat16() -> bool:
    """Whether what trains has units for bfloat16; elsewhere it is slower than float32."""
    if gpus := accelerators():
        return gpus[0][1] >= 8  # from Ampere on
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and "amx_bf16" in cpu.read_text()


def memory() -> int | None:
    """Bytes that the GPU has, or where there is none, this machine or the part of it that is ours; None: unknown."""
    if accelerators():
        if keras.backend.backend() == "jax":
            import jax

            return (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
        ask = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
        try:
            return int(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()[0]) * 2**20
        except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
            return None
    limits = []
    with contextlib.suppress(OSError, ValueError, AttributeError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for group in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max": none
            limits.append(int(Path(group).read_text()))
    return min(limits, default=None)


def scope(devices: int, batch: int) -> Callable[[], contextlib.AbstractContextManager]:
    """Makes what a network must be built within to be trained on so many devices of this machine (1: anything).

    They are GPUs, or where there are none, the logical devices of the CPU.

    Raises:
        HardwareError: where there are not so many, the batch cannot be dealt out evenly, or the backend knows no way.
    """
    if devices == 1:
        return contextlib.nullcontext
    if keras.backend.backend() != "tensorflow":
        raise HardwareError("Several devices need the TensorFlow backend: KERAS_BACKEND=tensorflow.")
    import tensorflow as tf

    known = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if not 1 <= devices <= len(known):
        raise HardwareError(f"--devices can be 1 to {len(known)} here: there are no more devices.")
    if batch % devices:
        raise HardwareError(f"A batch of {batch} cannot be dealt out to {devices} devices evenly; --set batch=N.")
    # TensorFlow's collective operations mix those of synchronised statistics up with those of gradients
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy([device.name for device in known[:devices]], reduction).scope


def make_deterministic() -> None:
    """Let the same step give the same bits on this machine, at some loss of speed.

    With JAX it must come before the first computation.
    """
    if keras.backend.backend() == "jax":
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
        return
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def describe() -> str:
    """Processor, its cores, and GPUs."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return ", ".join([f"{name}, {os.cpu_count()} cores", *(gpu for gpu, _ in accelerators())])


def versions() -> dict[str, str]:
    """Of Python and the libraries that compute."""
    backend = keras.backend.backend()
    module = __import__(backend)
    import numpy as np

    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: module.__version__,
        "numpy": np.__version__,
    }
