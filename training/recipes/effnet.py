"""EfficientNet-Lite0 on Cats vs Dogs: SGD against Adam, and each with other seeds.

The two differ in the optimizer and its learning rate (the best of each one's trials), in nothing else: initial
weights, data order, augmentation, number of steps, shape of the schedule and the decay of each step are the same.
"""

from dataclasses import replace

from training.recipe import Augment, Model, Optimizer, Recipe, Schedule, Search

DECAY = 3e-8  # of each step at the peak: 1e-4 x a learning rate of 3e-4

SGD = Recipe(
    id="cats-dogs-effnet-sgd",
    title="EfficientNet, SGD",
    description="EfficientNet-Lite0 from ImageNet weights, all of them trained on cats and dogs by SGD with momentum.",
    model=Model("efficientnet-lite0", weights="imagenet", frozen_statistics=True),
    optimizer=Optimizer("sgd", learning_rate=0.001, decay=DECAY),
    schedule=Schedule("cosine", warmup=0.1),
    augment=Augment(crop=0.5, flip=True, brightness=0.2, contrast=0.2, saturation=0.2),
    stages=((160, 5), (192, 1)),
    batch=32,
    label_smoothing=0.02,
    search=Search(rates=(0.0003, 0.001, 0.003), steps=250),
)
ADAM = replace(
    SGD,
    id="cats-dogs-effnet-adam",
    title="EfficientNet, Adam",
    description="EfficientNet-Lite0 from ImageNet weights, all of them trained on cats and dogs by Adam.",
    optimizer=Optimizer("adam", learning_rate=1e-4, decay=DECAY),
    search=Search(rates=(3e-5, 1e-4, 3e-4, 1e-3), steps=250),
)


RECIPES = [recipe.with_seed(seed) for seed in (1, 2, 3, 4, 5) for recipe in (SGD, ADAM)]
