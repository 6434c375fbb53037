"""Studies: what many pictures, and many trainings, say about checkpoints; and what becomes of claims about them."""

from explain.errors import UserError


class StudyError(UserError):
    """A study cannot be made.

    Args:
        sentence: why, and what to do.
        **facts: the numbers and names in the sentence.

    Example:
        >>> StudyError("Two different checkpoints are needed to compare.").key
        'study.study'
    """

    subject = "study"

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__("study", sentence, **facts)
