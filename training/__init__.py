"""Trainings: data, networks, recipes, the loop, measuring and shipping."""

from explain.errors import UserError


class TrainingError(UserError):
    """What a person can mend: `str(error)` says in a sentence or two what is wrong and what to do.

    Its code is its class: "recipe" of a RecipeError, for example.

    Args:
        sentence: what is wrong and what to do.
        **facts: the numbers and names in the sentence.

    Example:
        >>> TrainingError("The disk is full.").key
        'training.training'
    """

    subject = "training"

    def __init__(self, sentence: str, **facts: object) -> None:
        super().__init__(type(self).__name__.removesuffix("Error").lower(), sentence, **facts)
