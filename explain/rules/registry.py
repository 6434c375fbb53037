"""The registry of rules: what each needs, costs and says of itself."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from explain.explanation import Layer

Tensor = Any

Level = Literal["layer", "input"]
Need = Literal[
    "activations", "gradients", "curvature", "layers", "pixels", "slopes", "terms", "guided", "attention", "classifier"
]
NEEDS: tuple[Need, ...] = get_args(Need)
OF_A_LAYER = frozenset({"activations", "gradients", "curvature"})  # the rule is called once a layer
WITH_LAYERS = OF_A_LAYER | {"layers"}


class Passes(NamedTuple):
    """What a rule costs, beside arithmetic on tensors: runs of the model, for each picture.

    Attributes:
        forward: passes from pictures to scores.
        backward: passes from scores to gradients.

    Example:
        >>> ONE_PASS
        Passes(forward=1, backward=1)
    """

    forward: int
    backward: int


ONE_PASS = Passes(forward=1, backward=1)


@dataclass(frozen=True, eq=False)
class Rule:
    """A registered rule: called with what it needs, it returns maps.

    The names of its function's arguments say what it needs. Of one layer, float32 n x h x w x channels each:

    - `activations`, A;
    - `gradients`, G = dy/dA, of the explained score y;
    - `curvature`, the Hessian-vector product (d2y/dA2) A.

    Of the whole model:

    - `layers`: a list of (A, G) of all wanted layers, in order of execution;
    - `pixels`: the float32 batch n x H x W x channels as the model takes it, and `slopes`, dy/dpixels;
    - `terms`: what the input and every bias add to the score where the model is piecewise linear, float32
      n x h x w x channels each (see `fullgrad`);
    - `attention`: a list, in order of execution, of dy/dW for the shares W of every attention over patches of the
      picture, n x heads x queries x h x w;
    - `guided`: as `slopes`, by a backward pass that is changed at every ReLU (see `guided_backprop`);
    - `classifier`: many passes, a `classifier.Classifier`. The function runs outside of the traced pass, on numpy's
      arrays: it is called with the classifier, the batch and int32 classes (n,), and then with its parameters.

    All rules but those that need a classifier run together, in one traced pass.

    Attributes:
        name: its key in `RULES`.
        title: as people call it.
        equation: in one line.
        source: the paper.
        level: "layer" for a map of every layer, at its resolution; "input" for one map of the input's size.
        warning: what a reader of its maps has to know, or empty.
        passes: runs of the model at most, or a function of the layers, the input's (height, width) and the parameters.
        decomposes: whether it decomposes matrices, which takes longer than other arithmetic.
        function: from what it needs to float32 maps, n x h x w: of one layer; a list, one a layer, where it needs
            `layers` or a `classifier`; or of the input.
        needs: see above.
        parameters: what may be set, and the defaults: the function's keyword arguments.

    Example:
        >>> import tensorflow as tf
        >>> activations, gradients = tf.ones((1, 2, 2, 3)), tf.fill((1, 2, 2, 3), 0.5)
        >>> RULES["gradcam"](activations, gradients).numpy().tolist()
        [[[1.5, 1.5], [1.5, 1.5]]]
        >>> RULES["gradcam"].needs, RULES["gradcam"].cost()
        (('activations', 'gradients'), Passes(forward=1, backward=1))
    """

    name: str
    title: str
    equation: str
    source: str
    function: Callable[..., Any]
    level: Level = "layer"
    warning: str = ""
    passes: Passes | Callable[..., Passes] = ONE_PASS
    decomposes: bool = False
    needs: tuple[Need, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, *needed: Any, **parameters: Any) -> Any:
        return self.function(*needed, **parameters)

    @property
    def probes(self) -> bool:
        """Whether it takes many passes, outside of the traced one."""
        return "classifier" in self.needs

    @property
    def layered(self) -> bool:
        """Whether layers have to be chosen for it."""
        return self.level == "layer" or not WITH_LAYERS.isdisjoint(self.needs)

    def cost(self, layers: Sequence[Layer] = (), size: tuple[int, int] = (0, 0), **parameters: Any) -> Passes:
        """Runs of the model for each picture; at most, where a rule ends when it is near enough.

        Args:
            layers: those explained.
            size: height and width of the model's input.
            **parameters: those that differ from the defaults.

        Returns:
            Passes.

        Raises:
            ValueError: for a parameter that the rule does not have.
        """
        if isinstance(self.passes, Passes):
            return self.passes
        return self.passes(layers, size, **self.settings(parameters))

    def settings(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters, from those that differ from the defaults.

        Args:
            parameters: by name.

        Returns:
            Those and the defaults of the others.

        Raises:
            ValueError: for a name that the rule does not know; it names those that it does.
        """
        for name in parameters:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise ValueError(f"The rule {self.name!r} has no parameter {name!r}, but: {known}.")
        return {**self.parameters, **parameters}


class Attribution(NamedTuple):
    """What a rule of many passes may return of the input, in place of the map alone.

    Attributes:
        values: float32 n x H x W.
        residual: float32 (n,), what a rule that should be complete leaves unexplained, as share of what there is to
            explain; or None.
        passes: runs of the model that the picture with most of them took, where fewer than declared may do; or None.

    Example:
        >>> Attribution([[[1.0]]]).values
        [[[1.0]]]
    """

    values: Any
    residual: Any = None
    passes: Passes | None = None


RULES: dict[str, Rule] = {}


def register(
    name: str,
    title: str,
    equation: str,
    source: str,
    level: Level = "layer",
    warning: str = "",
    passes: Passes | Callable[..., Passes] = ONE_PASS,
    decomposes: bool = False,
) -> Callable[[Callable[..., Any]], Rule]:
    """Decorate a function so that it becomes a rule of `RULES`; the names of its arguments say what it needs.

    Args:
        name: its key.
        title: as people call it.
        equation: in one line.
        source: the paper.
        level: "layer" or "input", see `Rule`.
        warning: what a reader of its maps has to know.
        passes: runs of the model, or a function of layers, size and parameters.
        decomposes: whether it decomposes matrices.

    Returns:
        The decorator, which returns the `Rule`.

    Raises:
        ValueError: for a function with an argument that is no need, and for one with parameters but no classifier.

    Example:
        >>> @register("mean", title="Mean activation", equation="meanₖ Aₖ", source="an example, 2024")
        ... def mean(activations):
        ...     return activations.mean(-1)
        >>> RULES.pop("mean").needs
        ('activations',)
    """

    def add(function: Callable[..., Any]) -> Rule:
        arguments = inspect.signature(function).parameters.values()
        keywords = {argument.name: argument.default for argument in arguments if argument.kind == argument.KEYWORD_ONLY}
        names = tuple(argument.name for argument in arguments if argument.name not in keywords)
        if "classifier" in names:
            if names != ("classifier", "pixels", "targets"):
                raise ValueError(f"A rule of many passes takes classifier, pixels and targets, not {', '.join(names)}.")
            names = ("classifier",)
        elif keywords:
            raise ValueError(f"Only a rule of many passes has parameters: {', '.join(keywords)}.")
        needs = tuple(need for name in names for need in NEEDS if need == name)
        if len(needs) < len(names):
            raise ValueError(f"A rule needs some of {', '.join(NEEDS)}, not {', '.join(names)}.")
        options = MappingProxyType(keywords)
        made = Rule(name, title, equation, source, function, level, warning, passes, decomposes, needs, options)
        RULES[name] = made
        return made

    return add


def rule_names(rules: str | Iterable[str]) -> tuple[str, ...]:
    """The names asked for, each once, in the order asked for.

    Args:
        rules: a name of `RULES`, or several.

    Returns:
        The names.

    Raises:
        ValueError: for none, or for a name that is not registered; it names the nearest ones.

    Example:
        >>> rule_names(["layercam", "gradcam", "layercam"])
        ('layercam', 'gradcam')
    """
    names = tuple(dict.fromkeys([rules] if isinstance(rules, str) else rules))
    if not names:
        raise ValueError(f"No rule is asked for. There are: {', '.join(RULES)}.")
    for name in names:
        if name not in RULES:
            nearest = get_close_matches(str(name), RULES, cutoff=0.5) or RULES
            raise ValueError(f"There is no rule {name!r}. Nearest: {', '.join(nearest)}.")
    return names


def paired_rules() -> tuple[str, ...]:
    """The rules that a layer's activations and gradients are enough for, without a decomposition.

    They run together at about the price of one; the page's chooser and the studies take these.

    Returns:
        Names, as they were registered.

    Example:
        >>> paired_rules()[:2]
        ('gradcam', 'gradcam++')
    """
    return tuple(
        name
        for name, rule in RULES.items()
        if rule.level == "layer" and set(rule.needs) == {"activations", "gradients"} and not rule.decomposes
    )
