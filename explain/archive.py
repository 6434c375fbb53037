"""What must hold before Keras sees a model file: it is the one meant, a closed archive, and asks for no code.

Without Keras and TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from explain.errors import CheckpointError
from explain.files import open_regular

# The archive: nothing but these, of at most so many bytes
WEIGHTS = "model.weights.h5"
_PARTS = {"metadata.json": 2**16, "config.json": 2**24, WEIGHTS: 2**30}
_LARGEST = sum(_PARTS.values()) + 2**16  # bytes of the archive itself
_EXPANSION = 200  # unpacked to packed; a config of many like layers reaches 30

# What a model may be made of, by the module that its configuration names
_PLAIN = {
    r"keras": r"Sequential|Model|Functional|\w*DTypePolicy",
    r"keras\.src\.models\.(functional|sequential|model)": r"Functional|Sequential|Model",
    r"keras\.layers": r"[A-Z]\w+",
    r"keras\.(initializers|regularizers|constraints|dtype_policies)": r"[A-Z]\w+",
    r"keras\.(optimizers|optimizers\.schedules|losses|metrics)": r"[A-Z]\w+",  # of a nested model that was compiled
    r"keras\.src\.ops\.\w+": r"[A-Z]\w+",  # x + y between layers
    r"keras\.src\.applications\.convnext": r"LayerScale",
}
# Layers that run code from the file, or open files and addresses that it names
_NOT_PLAIN = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
_NOT_PLAIN |= {"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"}
_DATA = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__"}


def verify(path: Path, model_id: str, digest: str) -> int:
    """Check that a model file is the one meant, a plain .keras archive, and made of plain Keras layers alone.

    Args:
        path: the file.
        model_id: what sentences call it.
        digest: hex sha256 that the file must have.

    Returns:
        Bytes of its weights.

    Raises:
        CheckpointError: "digest", "archive" or "code".

    Example:
        >>> from explain.checkpoints import DEFAULT
        >>> verify(DEFAULT / "cats-dogs-effnet-sgd" / "model.keras", "cats-dogs-effnet-sgd", "0" * 64)
        Traceback (most recent call last):
        explain.errors.CheckpointError: The model file of cats-dogs-effnet-sgd is not the one that its card speaks of.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > _LARGEST:
                raise _damaged(model_id)
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise CheckpointError(
                    "digest", "The model file of {model_id} is not the one that its card speaks of.", model_id=model_id
                )
            return check(file, model_id)
    except OSError:
        sentence = "The model file of {model_id} is missing or cannot be read."
        raise CheckpointError("archive", sentence, model_id=model_id) from None


def check(file: BinaryIO, model_id: str, most: int = _PARTS[WEIGHTS]) -> int:
    """Check that an open file is a plain .keras archive and made of plain Keras layers alone.

    Args:
        file: binary, seekable.
        model_id: what sentences call it.
        most: bytes of weights that are accepted.

    Returns:
        Bytes of its weights.

    Raises:
        CheckpointError: "archive" or "code".

    Example:
        >>> import io
        >>> check(io.BytesIO(b"no archive"), "my-net")
        Traceback (most recent call last):
        explain.errors.CheckpointError: The model file of my-net is damaged or no plain Keras archive.
    """
    damaged = _damaged(model_id)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if sorted(part.filename for part in parts) != sorted(_PARTS):
                raise damaged
            for part in parts:
                large = part.file_size > (most if part.filename == WEIGHTS else _PARTS[part.filename])
                if large or part.file_size > _EXPANSION * part.compress_size + 2**16:
                    raise damaged
            config = json.loads(archive.read("config.json"))
        if not isinstance(config, dict):
            raise damaged
        # what to train with is never built here
        asked = _first_code({key: value for key, value in config.items() if key != "compile_config"})
    except CheckpointError:
        raise
    except Exception:  # zipfile and zlib raise many kinds
        raise damaged from None
    _refuse_code(asked, model_id)
    return next(part.file_size for part in parts if part.filename == WEIGHTS)


def check_legacy(file: BinaryIO, model_id: str) -> int:
    """Check that an open file is a legacy .h5 file of a whole model, made of plain Keras layers alone.

    Args:
        file: binary, seekable.
        model_id: what sentences call it.

    Returns:
        Its bytes, more than those of its weights.

    Raises:
        CheckpointError: "archive" or "code".

    Example:
        >>> import io
        >>> check_legacy(io.BytesIO(b"no archive"), "my-net")
        Traceback (most recent call last):
        explain.errors.CheckpointError: The model file of my-net is damaged or no plain Keras archive.
    """
    import h5py

    try:
        with h5py.File(file, "r") as archive:
            asked = _first_code(json.loads(archive.attrs["model_config"]), legacy=True)
    except Exception:  # h5py raises many kinds
        raise _damaged(model_id) from None
    _refuse_code(asked, model_id)
    return file.seek(0, os.SEEK_END)


def _refuse_code(asked: str | None, model_id: str) -> None:
    if asked is not None:
        named = bool(re.fullmatch(r"[\w.> ]{1,80}", asked))
        sentence = "The model file of {model_id} asks for code of its own ({asked}), which is never run here."
        sentence = sentence if named else sentence.replace(" ({asked})", "")
        raise CheckpointError("code", sentence, model_id=model_id, asked=asked if named else "")


def config_of(path: Path) -> dict[str, Any]:
    """The configuration of a model file that was verified, without what it would be trained with.

    Args:
        path: the file.

    Returns:
        As `keras.saving.deserialize_keras_object` takes it.
    """

    def plain(part: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in part.items() if key != "compile_config"}  # nested models have theirs

    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"), object_hook=plain)


def _damaged(model_id: str) -> CheckpointError:
    sentence = "The model file of {model_id} is damaged or no plain Keras archive."
    return CheckpointError("archive", sentence, model_id=model_id)


def _first_code(config: Any, legacy: bool = False) -> str | None:
    """The first object of a configuration that is not plain Keras, as "module.name"; None if there is none.

    In a legacy file classes without a module are Keras' own: it knows no others by name.
    """
    if isinstance(config, dict):
        if "class_name" in config and not _plain(config, legacy):
            return ".".join(map(str, filter(None, [config.get("module"), config["class_name"]])))
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            asked = _first_code(value, legacy)
            if asked is not None:
                return asked
    return None


def _plain(config: dict[str, Any], legacy: bool = False) -> bool:
    name, module, registered = config["class_name"], config.get("module"), config.get("registered_name")
    if name in _DATA:
        return module is None
    if legacy and module is None:
        return isinstance(name, str) and name not in _NOT_PLAIN and bool(re.fullmatch(r"[A-Z]\w*", name))
    if not isinstance(name, str) or not isinstance(module, str) or registered not in (None, name):
        return False
    allowed = (names for pattern, names in _PLAIN.items() if re.fullmatch(pattern, module))
    return name not in _NOT_PLAIN and any(re.fullmatch(names, name) for names in allowed)
