"""A run's history for TensorBoard, on any backend: `tensorboard --logdir runs` draws it while it trains."""

import shutil
import time
from pathlib import Path

from training import TrainingError

FOLDER = "tensorboard"
VALIDATION = "val_"


class BoardError(TrainingError):
    """TensorBoard is not installed."""


class Board:
    """Writes rows of a history: train and validation as two curves under one name, by steps.

    Args:
        folder: the run folder. What lies in its `tensorboard/` is written anew from the history.
        history: rows that there are already.
    """

    def __init__(self, folder: Path, history: list[dict]) -> None:
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise BoardError(
                "--tensorboard needs TensorBoard, which is not installed: pip install tensorboard"
            ) from None
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
        self.writers = {name: EventFileWriter(str(folder / FOLDER / name)) for name in ("train", "validation")}
        for row in history:
            self.write(row)

    def write(self, row: dict) -> None:
        """Write one row, at a thousand times its epoch: a place among TensorBoard's whole steps."""
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
            step = round(1000 * row["epoch"])
            writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
            writer.flush()

    def close(self) -> None:
        """Write what is left."""
        for writer in self.writers.values():
            writer.close()
