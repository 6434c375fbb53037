"""Trainings: data, networks, recipes, the loop, measuring and shipping."""


class TrainingError(Exception):
    """What a person can mend: `str(error)` says in a sentence or two what is wrong and what to do."""
