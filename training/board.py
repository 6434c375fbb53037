"""A run's history for TensorBoard, on any backend: `tensorboard --logdir runs` draws it while it trains."""

import shutil
import time
from pathlib import Path

from training import TrainingError

FOLDER = "tensorboard"
CURVES = ("train", "validation")
MAPS = "maps"
VALIDATION = "val_"


def step(epoch: float) -> int:
    """A thousand times an epoch: a place among TensorBoard's whole steps."""
    return round(1000 * epoch)


class BoardError(TrainingError):
    """TensorBoard is not installed."""


class Board:
    """Writes rows of a history: train and validation as two curves under one name, by steps.

    Args:
        folder: the run folder. The curves in its `tensorboard/` are written anew from the history.
        history: rows that there are already.
    """

    def __init__(self, folder: Path, history: list[dict]) -> None:
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise BoardError(
                "--tensorboard needs TensorBoard, which is not installed: pip install tensorboard"
            ) from None
        for name in CURVES:
            shutil.rmtree(folder / FOLDER / name, ignore_errors=True)
        self.writers = {name: EventFileWriter(str(folder / FOLDER / name)) for name in CURVES}
        for row in history:
            self.write(row)

    def write(self, row: dict) -> None:
        """Write one row, at its epoch's `step`."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        for name, writer in self.writers.items():
            values = [
                Summary.Value(tag=key.removeprefix(VALIDATION), simple_value=value)
                for key, value in row.items()
                if key not in ("epoch", "size", "seconds")
                and value is not None
                and key.startswith(VALIDATION) == (name == "validation")
            ]
            writer.add_event(Event(wall_time=time.time(), step=step(row["epoch"]), summary=Summary(value=values)))
            writer.flush()

    def close(self) -> None:
        """Write what is left."""
        for writer in self.writers.values():
            writer.close()
