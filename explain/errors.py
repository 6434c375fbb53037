"""What goes wrong in a way that a person can mend or must be told of."""


class UserError(ValueError):
    """An error with a stable code, one sentence for a person, and the facts that the sentence states.

    The sentence is English; who speaks another language makes one from `key` and `facts`.

    Args:
        code: stable name of what is wrong, unique within a class; small letters, digits, hyphens and underscores.
        sentence: what is wrong and what to do, without any path or traceback.
        **facts: the numbers and names in the sentence, by name.

    Attributes:
        subject: what errors of this class speak of: "picture", "model", "checkpoint", "page", "study" or "training".
        code: as given.
        facts: as given.

    Example:
        >>> error = UserError("too-large", "The file has 30 MB; 20 are accepted.", megabytes=30, most=20)
        >>> error.key, str(error), error.facts["megabytes"]
        ('other.too-large', 'The file has 30 MB; 20 are accepted.', 30)
    """

    subject = "other"

    def __init__(self, code: str, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.facts = facts

    @property
    def key(self) -> str:
        """`subject.code`, under which a page keeps its own sentence: classes may share a code."""
        return f"{self.subject}.{self.code}"


def told(error: BaseException) -> str:
    """What an error says on a terminal: its sentence, and in brackets what it came from, where that is another error.

    Args:
        error: as it was caught.

    Example:
        >>> told(UserError("gone", "It is not there."))
        'It is not there.'
    """
    sentence = str(error.args[0] if isinstance(error, KeyError) else error)
    if error.__cause__ is None:
        return sentence
    reason = str(error.__cause__).strip().splitlines() or [""]
    return f"{sentence}\n  ({type(error.__cause__).__name__}: {reason[0]})"


class ModelError(UserError):
    """A model that cannot be explained, as it is or without more being said. `str(error)` is a sentence for a person.

    Args:
        code: "head" (what comes out of it cannot be told for certain), "input", "outputs", "output", "output-kind" and
            "channels-first" (it is no classifier of pictures, channels last), "no-map", "kind" and "branches" (it has
            no layers of the kind asked for, or several last ones), "gradient" (none reaches the layers), "curvature"
            (an operation has no second derivative), "guided" (it has no ReLU), "attention" (it has none over a grid of
            patches), "copy" (Keras cannot copy it) or "not-finite" (it returns no numbers); and of a file that is
            opened "format" (Keras 3 does not open it), "preprocess", "size", "classes", "channels" and "options" (what
            has to be said, or does not fit).
        sentence: with the facts' names in braces.
        **facts: `operation` of "head", `shape` of "input" and "output", `count` of "outputs" and "branches",
            `layer` of "channels-first", `addresses` of "branches" and "gradient", `kind` of "kind" and "output-kind",
            `model_id` of a file, `option` and `count` of "options".

    Example:
        >>> error = ModelError("input", "A model with one input is needed, not {shape}.", shape=[(8, 8), (4,)])
        >>> error.key, str(error)
        ('model.input', 'A model with one input is needed, not [(8, 8), (4,)].')
    """

    subject = "model"

    def __init__(self, code: str, sentence: str, **facts: object) -> None:
        super().__init__(code, sentence.format(**facts), **facts)


class CheckpointError(UserError):
    """A checkpoint that cannot be used. `str(error)` is one sentence for a person, without any path.

    Args:
        code: "unknown" (no such id), "card", "archive" (missing, damaged or not a plain .keras archive), "digest" (not
            the file the card speaks of), "code" (asks for code of its own), "weights" (asks for more of them than its
            file holds), "load" (Keras cannot build it), "mismatch" (it is not what the card says) or "members" (of an
            ensemble, one that does not do).
        sentence: with the facts' names in braces.
        **facts: `model_id` for all but "unknown"; beside it `part` (the card's key that is wrong, "card.json" for all
            of it), `asked` (what is no plain Keras, empty where it is no name), `keras` (its version), and `member`
            with `fault` ("missing", "unusable", "ensemble", "classes" or "input").

    Example:
        >>> error = CheckpointError("mismatch", "The model {model_id} gives something else.", model_id="my-net")
        >>> error.key, str(error)
        ('checkpoint.mismatch', 'The model my-net gives something else.')
    """

    subject = "checkpoint"

    def __init__(self, code: str, sentence: str, **facts: object) -> None:
        super().__init__(code, sentence.format(**facts), **facts)
