"""The original experiments to the letter: for a GPU, and for whoever wants to hold ours against them.

Cats vs Dogs. What the originals say is unchanged: networks, an input of 224 pixels, optimizers and rates, batches of
20, lengths, augmentation (Keras' shear of 0.2 is in degrees), rescaling by 1/255, validation on 20 batches. What they
do not say is chosen so: fresh weights for EfficientNet (with ImageNet's it would have passed the original's 96 % within
an epoch); VGG16's head is this project's light one (see `models/vgg16.py`), its input EfficientNet's; the best epoch by
validation is kept.

CIFAR-100. What the originals say is unchanged. EfficientNet-B5: 35,000 training and 15,000 validation pictures, 456
pixels made of 32 inside the network; a head of BatchNormalization, dropout 0.2, the mean over places and a dense layer;
first the head alone by Adam at 0.0001, then the last 51 layers but for every BatchNormalization at 0.00001; ten epochs
each of batches of 32; no augmentation. Of `keras.applications`' network with that head, the last 51 layers are the
head's four, the 46 from block 7 on, and an addition before them, which has no weights: so from block 7 on. Nine frozen
backbones, each with its own preprocessing, here inside the network. Fine-tunes of four networks on 75,000 pictures: of
our 45,000 training pictures and 30,000 augmented copies.

What they do not say is chosen so. BatchNormalization that is not trained is in inference mode, and that of the head is
trained throughout. Stochastic depth is that of `keras.applications`, also while the backbone is frozen. The frozen
backbones see the sizes that they were published with; their classifier is one dense layer behind BatchNormalization,
trained by Keras' default Adam in ten epochs of batches of 32. The fine-tunes go as EfficientNet-B5's, ResNet152's from
its last stage (conv5) on. The copies are `data/offline.py`'s.
"""

from dataclasses import replace

from training.recipe import Augment, Data, Model, Optimizer, Recipe

BATCH = 20

EFFNET_SGD = Recipe(
    id="original-cats-dogs-effnet-sgd",
    title="EfficientNet, SGD, original settings",
    description="EfficientNet-B0 from scratch by SGD, as in the original experiment.",
    data=Data(validate=20 * BATCH),
    model=Model("efficientnet-b0", preprocessing="unit"),
    optimizer=Optimizer("sgd", learning_rate=0.001),
    augment=Augment(rotation=40, shear=0.2, zoom=0.2, flip=True),
    stages=((224, 250),),
    batch=BATCH,
    steps_per_epoch=90,
)
EFFNET_ADAM = replace(
    EFFNET_SGD,
    id="original-cats-dogs-effnet-adam",
    title="EfficientNet, Adam, original settings",
    description="EfficientNet-B0 from scratch by Adam, as in the original experiment.",
    optimizer=Optimizer("adam", learning_rate=0.001),
)
VGG16_HIGH = replace(
    EFFNET_SGD,
    id="original-cats-dogs-vgg16-high",
    title="VGG16, high accuracy, original settings",
    description="VGG16 from scratch by SGD, as in the original experiment.",
    model=Model("vgg16", dropout=0.0, preprocessing="unit"),
    steps_per_epoch=80,
)
VGG16_LOW = replace(
    VGG16_HIGH,
    id="original-cats-dogs-vgg16-low",
    title="VGG16, low accuracy, original settings",
    description="VGG16 trained for one epoch on six pictures with swapped labels, as in the original experiment.",
    data=replace(EFFNET_SGD.data, per_class=3, labels="swapped"),
    stages=((224, 1),),
)

CIFAR = Data("cifar-100")
B5_FROZEN = Recipe(
    id="original-cifar100-effnet-b5-frozen",
    title="EfficientNet-B5, frozen, original settings",
    description="EfficientNet-B5 as ImageNet left it with a new head for CIFAR-100, as in the original experiment.",
    data=replace(CIFAR, validation=150),
    model=Model("efficientnet-b5", weights="imagenet", dropout=0.2, drop_connect=0.2, input=32, norm_first=True),
    optimizer=Optimizer("adam", learning_rate=1e-4),
    stages=((456, 10),),
    trained=("head",),
    batch=32,
)
B5_FINETUNED = replace(
    B5_FROZEN,
    id="original-cifar100-effnet-b5-finetuned",
    title="EfficientNet-B5, fine-tuned, original settings",
    description="EfficientNet-B5, first a new head and then its last 51 layers trained on CIFAR-100, as originally.",
    stages=((456, 10), (456, 10)),
    trained=("head", "block7"),
    rates=(1, 0.1),
)

FROZEN = {  # network, its title, pixels
    "xception": ("published-xception", "Xception", 299),
    "mobilenetv2": ("published-mobilenetv2", "MobileNetV2", 224),
    "inceptionv3": ("published-inceptionv3", "InceptionV3", 299),
    "resnet50": ("published-resnet50", "ResNet50", 224),
    "resnet101": ("published-resnet101", "ResNet101", 224),
    "resnet152": ("published-resnet152", "ResNet152", 224),
    "densenet121": ("published-densenet121", "DenseNet121", 224),
    "effnet-b0": ("efficientnet-b0", "EfficientNet-B0", 224),
    "effnet-b1": ("efficientnet-b1", "EfficientNet-B1", 240),
}
FINETUNED = {  # the same, and where the layers begin that are trained in the end
    "effnet-b0": ("efficientnet-b0", "EfficientNet-B0", 224, "block7"),
    "effnet-b1": ("efficientnet-b1", "EfficientNet-B1", 240, "block7"),
    "effnet-b2": ("efficientnet-b2", "EfficientNet-B2", 260, "block7"),
    "resnet152": ("published-resnet152", "ResNet152", 224, "conv5"),
}


def frozen(name: str) -> Recipe:
    """A backbone as ImageNet left it, with a new classifier."""
    network, title, size = FROZEN[name]
    return Recipe(
        id=f"original-cifar100-{name}-frozen",
        title=f"{title}, frozen, original settings",
        description=f"{title} as ImageNet left it with a new classifier for CIFAR-100, as in the original experiment.",
        data=CIFAR,
        model=Model(network, weights="imagenet", dropout=0.0, input=32, frozen=True),
        optimizer=Optimizer("adam", learning_rate=1e-3),
        stages=((size, 10),),
        batch=32,
    )


def finetuned(name: str) -> Recipe:
    """A network fine-tuned on 75,000 pictures."""
    network, title, size, beginning = FINETUNED[name]
    return replace(
        B5_FINETUNED,
        id=f"original-cifar100-{name}-finetuned",
        title=f"{title}, fine-tuned, original settings",
        description=f"{title}'s head and last layers trained on CIFAR-100 and copies, 75,000 pictures, as originally.",
        data=replace(CIFAR, copies=2 / 3),
        model=replace(B5_FINETUNED.model, name=network),
        stages=((size, 10), (size, 10)),
        trained=("head", beginning),
    )


RECIPES = [EFFNET_SGD, EFFNET_ADAM, VGG16_HIGH, VGG16_LOW]
RECIPES += [B5_FROZEN, B5_FINETUNED, *map(frozen, FROZEN), *map(finetuned, FINETUNED)]
