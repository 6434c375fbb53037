"""A small EfficientNet on Cats vs Dogs from scratch, and four of four times its cost: deeper, wider, of higher
resolution, and scaled in all three (arXiv 1905.11946, the last figure).

All are trained alike: data, augmentation, epochs, schedule, and the learning rate, which was chosen for the baseline.
"""

from dataclasses import replace

from training.recipe import Augment, Model, Optimizer, Recipe, Schedule, Search

EPOCHS = 16
SCALED = {  # a title, what it is, and the pixels that its network is made for
    "baseline": ("baseline", "from scratch", 64),
    "deeper": ("deeper", "from scratch with 3.7 times as many blocks", 64),
    "wider": ("wider", "from scratch with 2.2 times the channels", 64),
    "sharper": ("higher resolution", "from scratch on pictures of twice the side", 128),
    "compound": ("compound", "from scratch, deeper, wider and sharper at once", 88),
}

BASELINE = Recipe(
    id="scaling-baseline",
    title="Small EfficientNet, baseline",
    description="A small EfficientNet trained on cats and dogs from scratch.",
    model=Model("efficientnet-small-baseline"),
    optimizer=Optimizer("adam", learning_rate=8e-3, decay=1e-4),
    schedule=Schedule("cosine", warmup=0.1),
    augment=Augment(crop=0.45, flip=True, rotation=10, brightness=0.2, contrast=0.2, saturation=0.2),
    stages=((64, EPOCHS),),
    batch=64,
    label_smoothing=0.05,
    search=Search(rates=(0.0005, 0.001, 0.002, 0.004, 0.008, 0.016), steps=400),
)


def scaled(name: str) -> Recipe:
    """The baseline's recipe with another network and the size that it is made for."""
    title, words, size = SCALED[name]
    return replace(
        BASELINE,
        id=f"scaling-{name}",
        title=f"Small EfficientNet, {title}",
        description=f"A small EfficientNet trained on cats and dogs {words}.",
        model=replace(BASELINE.model, name=f"efficientnet-small-{name}"),
        stages=((size, EPOCHS),),
        search=BASELINE.search if name == "baseline" else Search(),
    )


RECIPES = [scaled(name).with_seed(seed) for seed in (1, 2, 3) for name in SCALED]
