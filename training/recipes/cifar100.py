"""CIFAR-100: EfficientNet-Lite0 from ImageNet, frozen and fine-tuned.

Pictures of 32 x 32 pixels come in and are resized inside the network, so one test set serves all, an ensemble too.
"""

from dataclasses import replace

from training.recipe import Augment, Data, Model, Optimizer, Recipe, Schedule, Search

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

FINETUNED = Recipe(
    id="cifar100-effnet-finetuned",
    title="EfficientNet, fine-tuned",
    description="EfficientNet-Lite0 from ImageNet weights, all of them trained on CIFAR-100, at growing sizes.",
    data=DATA,
    model=replace(FROZEN.model, dropout=0.2, hidden=0, frozen=False),
    optimizer=Optimizer("adam", learning_rate=1e-3, decay=3e-5, layer_decay=0.9),
    schedule=Schedule("cosine", warmup=0.05),
    augment=Augment(shift=0.125, flip=True, randaugment=1, magnitude=0.3, mixup=0.2, cutmix=1.0, mixed=0.5),
    stages=((96, 8), (128, 4), (160, 2)),
    batch=64,
    label_smoothing=0.1,
    average=0.999,
    search=Search(rates=(5e-4, 1e-3, 2e-3), steps=250),
)

RECIPES = [FROZEN, FINETUNED]
