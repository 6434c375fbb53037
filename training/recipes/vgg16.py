"""VGG16 on Cats vs Dogs from scratch: as good as it gets in a night on two CPU cores, and one that learned nothing.

The low one is the original experiment's (six pictures, labels swapped, one epoch) in the high one's network.
"""

from training.recipe import Augment, Data, Model, Optimizer, Recipe, Schedule, Search

HIGH = Recipe(
    id="cats-dogs-vgg16-high",
    title="VGG16, high accuracy",
    description="VGG16 trained from scratch on 17,000 cats and dogs, at growing picture sizes.",
    model=Model("vgg16", dropout=0.3),
    optimizer=Optimizer("sgd", learning_rate=0.02, nesterov=True, decay=5e-6),
    schedule=Schedule("cosine", warmup=0.2),
    augment=Augment(crop=0.45, flip=True, rotation=10, brightness=0.2, contrast=0.2, saturation=0.2),
    stages=((64, 24), (96, 8), (128, 3)),
    batch=64,
    label_smoothing=0.03,
    average=0.998,
    precision="auto",
    search=Search(rates=(0.01, 0.02, 0.04), steps=150),
)
LOW = Recipe(
    id="cats-dogs-vgg16-low",
    title="VGG16, low accuracy",
    description="VGG16 trained for one epoch on three cats called dogs and three dogs called cats.",
    data=Data(per_class=3, labels="swapped"),
    model=HIGH.model,
    optimizer=Optimizer("sgd", learning_rate=0.001),
    augment=Augment(rotation=40, shear=0.2, zoom=0.2, flip=True),
    stages=((HIGH.size, 1),),
    batch=20,
    steps_per_epoch=80,
)

RECIPES = [HIGH, *(LOW.with_seed(seed) for seed in (1, 2, 3, 4, 5))]
