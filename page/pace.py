"""How long rules take here: what each declares to cost, times what a pass of each model was measured to take."""

import statistics
import threading
from collections import deque
from collections.abc import Sequence

from explain.explanation import Explanation, Layer
from explain.rules import RULES, Passes

LATEST = 5  # measurements of a model that count
# By benchmarks/engine.py, "Each rule by itself" and the share of a forward pass.
BACKWARD = 1  # forward passes that one from scores to gradients is worth: 0.9 of VGG16, 1.0 of Lite0, 1.5 of B0
SHARES = {  # of what their passes would take, where that is another time altogether
    "shapleycam": 0.2,  # a backward pass ends at its layer
    "ablationcam": 0.2,  # what lies before the layer is not computed
    "smoothgradcam++": 2.0,  # gradients of all layers leave the graph
    "integrated-gradients": 0.5,  # they end when they are near enough
}


def units(passes: Passes, count: int = 1) -> float:
    """Passes of so many networks, in forward ones."""
    return count * (passes.forward + BACKWARD * passes.backward)


class Pace:
    """What was measured on this server, model by model."""

    def __init__(self) -> None:
        self._seconds: dict[str, deque[float]] = {}  # of a forward pass
        self._tracing: dict[str, float] = {}  # that the first of a model's explanations took beside its passes
        self._measured: dict[tuple[str, str], float] = {}  # of a whole rule
        self._layers: dict[str, tuple[Layer, ...]] = {}
        self._guard = threading.Lock()

    def learn(self, model_id: str, explanation: Explanation, rule: str, seconds: float) -> None:
        """Take in what an explanation by a rule took, `seconds` all together."""
        cost = explanation.cost[rule]
        share = 1.0 if rule in explanation.residuals else SHARES.get(rule, 1.0)  # then the cost is what it took
        passes = share * units(Passes(cost.forward, cost.backward))
        with self._guard:
            inside = cost.milliseconds / 1000
            self._seconds.setdefault(model_id, deque(maxlen=LATEST)).append(inside / max(passes, 1))
            self._tracing.setdefault(model_id, max(0.0, seconds - inside))
            self._measured[model_id, rule] = inside
            if explanation.layers:
                self._layers[model_id] = explanation.layers

    def forget(self, model_id: str) -> None:
        """A model has left memory: its rules are traced anew when they are asked for next."""
        with self._guard:
            for known in [known for known in self._measured if known[0] == model_id]:
                del self._measured[known]

    def forward(self, model_id: str) -> float | None:
        """Seconds of a forward pass of a network; None where nothing was measured yet."""
        with self._guard:
            every = [statistics.median(known) for known in self._seconds.values()]
            own = self._seconds.get(model_id)
            return statistics.median(own) if own else statistics.mean(every) if every else None

    def seconds(self, model_id: str, rule: str, size: tuple[int, int], networks: int = 1) -> float | None:
        """That a rule will take for a model; None where nothing was measured yet.

        Args:
            model_id: a model that was measured, or not: then it counts as the others.
            rule: a name of `RULES`.
            size: height and width of its input.
            networks: of an ensemble, how many members it has.
        """
        unit = self.forward(model_id)
        with self._guard:
            if unit is None or (model_id, rule) in self._measured:
                return self._measured.get((model_id, rule))
            tracing = self._tracing.get(model_id, statistics.mean(self._tracing.values()))
            layers: Sequence[Layer] = self._layers.get(model_id) or next(iter(self._layers.values()), ())
        return tracing + unit * SHARES.get(rule, 1.0) * units(RULES[rule].cost(layers, size), networks)
