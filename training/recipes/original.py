"""The original experiments on Cats vs Dogs to the letter: for a GPU, and for whoever wants to hold ours against them.

What the originals say is unchanged: networks, an input of 224 pixels, optimizers and rates, batches of 20, lengths,
augmentation (Keras' shear of 0.2 is in degrees), rescaling by 1/255, validation on 20 batches. What they do not say is
chosen so: fresh weights for EfficientNet (with ImageNet's it would have passed the original's 96 % within an epoch);
VGG16's head is this project's light one (see `models/vgg16.py`), its input EfficientNet's; the best epoch by validation
is kept.
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

RECIPES = [EFFNET_SGD, EFFNET_ADAM, VGG16_HIGH, VGG16_LOW]
