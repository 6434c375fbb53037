"""CIFAR-100: EfficientNet-Lite0 from ImageNet, frozen and fine-tuned; a plain net from scratch, and the ladder to it.

Pictures of 32 x 32 pixels come in and are resized inside the network, so one test set serves all, an ensemble too.
"""

from dataclasses import replace

from training.data.offline import SETTINGS
from training.recipe import Augment, Data, EnsembleRecipe, Model, Optimizer, Recipe, Schedule

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
    description="EfficientNet-Lite0 from ImageNet weights, all of them trained on CIFAR-100.",
    data=DATA,
    model=replace(FROZEN.model, dropout=0.2, hidden=0, frozen=False),
    optimizer=Optimizer("adam", learning_rate=1e-3, decay=3e-5, layer_decay=0.9),
    schedule=Schedule("cosine", warmup=0.05),
    augment=Augment(shift=0.125, flip=True, randaugment=1, magnitude=0.3, mixup=0.2, cutmix=1.0, mixed=0.5),
    stages=((192, 9),),
    batch=128,
    label_smoothing=0.1,
    average=0.998,
    precision="auto",
)
LITE1, LITE2 = (
    replace(
        FINETUNED,
        id=f"cifar100-effnet-{variant}",
        title=f"EfficientNet-{variant.title()}, fine-tuned",
        description=f"EfficientNet-{variant.title()} from ImageNet weights, all of them trained on CIFAR-100.",
        model=replace(FINETUNED.model, name=f"efficientnet-{variant}"),
    )
    for variant in ("lite1", "lite2")
)

CNN = Recipe(
    id="cifar100-cnn",
    title="Plain CNN",
    description="A residual network of 5.4 million weights, trained from scratch on CIFAR-100.",
    data=DATA,
    model=Model("cnn-best", dropout=0.1),
    optimizer=Optimizer("sgd", learning_rate=0.2, nesterov=True, decay=1e-4),
    schedule=Schedule("cosine", warmup=0.15),
    augment=Augment(shift=0.125, flip=True, randaugment=1, magnitude=0.3, cutmix=1.0, mixed=0.5),
    stages=((32, 40),),
    batch=256,
    label_smoothing=0.1,
    average=0.998,
    precision="auto",
)

# The original's rungs: what each one adds to the one before it. All alike but for that, by Adam at 0.0005, ten epochs.
PLAIN = Augment()
LADDER = {
    "simple": ("three convolutions with pooling, two dense layers", "simple", PLAIN),
    "lenet": ("LeNet-5", "lenet", PLAIN),
    "alexnet": ("AlexNet's ideas: BatchNormalization, overlapping pooling", "alexnet", PLAIN),
    "deeper": ("four blocks of two convolutions", "deeper", PLAIN),
    "drop-before": ("the same, dropout before each pooling", "deeper-drop-before", PLAIN),
    "drop-after": ("the same, dropout after each pooling", "deeper-drop-after", PLAIN),
    "vgg": ("VGG with one block fewer", "vgg", PLAIN),
    "no-dense": ("the same without dense layers", "vgg-no-dense", PLAIN),
    "residual": ("the same with shortcuts", "residual", PLAIN),
    "augmented": ("the same with augmentation", "residual", SETTINGS),
}


def rung(name: str) -> Recipe:
    """A step of the ladder."""
    what, plan, augment = LADDER[name]
    return Recipe(
        id=f"cifar100-ladder-{name}",
        title=f"Ladder: {name.replace('-', ' ')}",
        description=f"A step of the ladder on CIFAR-100, ten epochs: {what}.",
        data=DATA,
        model=Model(f"cnn-{plan}", dropout=0.0, preprocessing="unit"),
        optimizer=Optimizer("adam", learning_rate=5e-4),
        augment=augment,
        stages=((32, 10),),
        batch=128,
        precision="auto",
    )


# As many steps as online, half of them on pictures as they are.
OFFLINE = replace(
    rung("residual"),
    id="cifar100-ladder-offline",
    title="Ladder: offline",
    description="A step of the ladder on CIFAR-100, five epochs: shortcuts, and a copy of each picture augmented alike "
    "beforehand.",
    data=replace(DATA, copies=1),
    stages=((32, 5),),
)

RECIPES = [FROZEN, FINETUNED, FINETUNED.with_seed(2), LITE1, LITE2, CNN, *map(rung, LADDER), OFFLINE]
ENSEMBLES = [
    EnsembleRecipe(
        id="cifar100-ensemble",
        title="Five together",
        description="EfficientNet-Lite0 twice, Lite1, Lite2 and the plain CNN; the mean of what they say.",
        members=(FINETUNED.id, LITE1.id, LITE2.id, f"{FINETUNED.id}-seed2", CNN.id),
    )
]
