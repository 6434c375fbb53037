"""What a training runs on, whichever backend of Keras it uses."""

import os
import platform
from pathlib import Path

import keras

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
