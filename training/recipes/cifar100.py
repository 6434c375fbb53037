"""CIFAR-100: EfficientNet-Lite0 from ImageNet, frozen and fine-tuned.

Pictures of 32 x 32 pixels come in and are resized inside the network, so one test set serves all, an ensemble too.
"""

from training.recipe import Augment, Data, Model, Optimizer, Recipe, Schedule

DATA = Data("cifar-100")

FROZEN = Recipe(
    id="cifar100-effnet-frozen",
    title="EfficientNet, frozen",
    description="EfficientNet-Lite0 as ImageNet left it; only a new classifier was trained on CIFAR-100.",
    data=DATA,
    model=Model(
        "efficientnet-lite0",
        weights="imagenet",
        dropout=0.5,
        frozen_statistics=True,
        input=32,
        hidden=2048,
        frozen=True,
    ),
    optimizer=Optimizer("adam", learning_rate=1e-3, decay=1e-5),
    schedule=Schedule("cosine", warmup=0.05),
    augment=Augment(flip=True),
    stages=((224, 30),),
    batch=256,
    label_smoothing=0.1,
    average=0.998,
)

RECIPES = [FROZEN]
