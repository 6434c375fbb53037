"""What an explanation costs: ratio to a bare forward and backward pass, at 224 pixels, one picture.

    python benchmarks/engine.py [NET ...]

The bare pass is a compiled forward pass and the gradient of the same logit to the input. Against it stand the engine's
compiled pass and the whole of `explain(...)`, with Grad-CAM and with all one-pass rules, on all default layers. All
are warm and run in turns; every figure is a median. Exit status 1 where a bound is missed.
"""

import statistics
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

SIZE = 224
ROUNDS = {"vgg16": 15, "efficientnet-b0": 60, "efficientnet-lite0": 60}
BOUNDS = {"Grad-CAM": 1.10, "all rules": 1.4}


def build(name):
    import keras

    if name == "vgg16":
        return keras.applications.VGG16(weights=None)
    if name == "efficientnet-b0":
        return keras.applications.EfficientNetB0(weights=None)
    from training.models.efficientnet import efficientnet

    return efficientnet("lite0", 2, SIZE)


def bare(model, batch):
    """A compiled pass from the input to the logit of class 0 and its gradient to the input."""
    import tensorflow as tf

    from explain import targets

    @tf.function(autograph=False)
    def run(x):
        score = targets.head(model(x, training=False), x).logits[:, 0]
        return score, tf.gradients(score, x)[0]

    compiled = run.get_concrete_function(tf.TensorSpec(batch.shape, tf.float32))
    tensor = tf.constant(batch)
    return lambda: [output.numpy() for output in compiled(tensor)]


def rivals(model, batch):
    import numpy as np

    from explain import classifier, engine
    from explain.rules import paired_rules

    zeros = np.zeros(len(batch), np.int32)
    runs = {"bare": bare(model, batch)}
    for title, rules in (("Grad-CAM", ("gradcam",)), ("all rules", paired_rules())):
        traced = classifier.trace(model, classifier.Request("blocks", rules, batch.shape, 0, None))
        runs[f"{title}, pass"] = lambda traced=traced: traced.run(batch, zeros)["scores"].numpy()
        runs[f"{title}, explain()"] = lambda rules=rules: engine.explain(model, batch, target=0, rules=rules)
    return runs


def measure(runs, rounds):
    """Seconds of each run, one list per name; the runs take turns, so that a noisy moment meets all alike."""
    for run in runs.values():
        run()
        run()
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = perf_counter()
            run()
            seconds[name].append(perf_counter() - started)
    return seconds


def main(names):
    import numpy as np

    batch = np.random.default_rng(0).uniform(0, 255, (1, SIZE, SIZE, 3)).astype(np.float32)
    kept = True
    for name in names:
        seconds = measure(rivals(build(name), batch), ROUNDS[name])
        print(f"{name}: bare pass {1000 * statistics.median(seconds['bare']):.1f} ms")
        for run in list(seconds)[1:]:
            ratio = statistics.median(mine / its for mine, its in zip(seconds[run], seconds["bare"], strict=True))
            bound = BOUNDS[run.split(",")[0]]
            kept &= ratio <= bound
            print(f"  {run:22} {ratio:.2f} x  (bound {bound}){'' if ratio <= bound else '  MISSED'}", flush=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(ROUNDS)))
