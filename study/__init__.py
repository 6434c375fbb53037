"""Studies: what many pictures, and many trainings, say about checkpoints; and what becomes of claims about them."""

from training import TrainingError


class StudyError(TrainingError):
    """A study cannot be made; the message says why and what to do."""
