"""English."""

from typing import Any

TEXTS: dict[str, Any] = {
    "evidence_verdicts": {
        "holds": "holds",
        "fails": "does not hold",
        "open": "cannot be told",
        "too_few": "too few to tell",
        "nothing_to_tell": "nothing to tell",
    },
    # by id: the claim in the original's sense, and what is tested
    "evidence_claims": {
        "adam-faster": (
            "Adam converges faster.",
            "Validation accuracy, averaged over the epochs at 160 pixels (the area under its curve), is higher for "
            "Adam than for SGD.",
        ),
        "adam-higher": (
            "Adam converges a little higher.",
            "Validation accuracy after the last epoch is higher for Adam than for SGD.",
        ),
        "adam-distinct": (
            "Adam's maps are more distinct.",
            "Grad-CAM's heat is less evenly spread for Adam than for SGD, mean over all depths.",
        ),
        "sgd-hard": (
            "SGD's maps are sometimes hard to understand.",
            "More of SGD's maps in the deeper half of the layers than of Adam's have less heat on the animal than "
            "its share of the area.",
        ),
        "features-alike": (
            "The feature maps of SGD and Adam can't be told apart by eye.",
            "1 - CKA of features, mean over all depths, is at most 0.05 larger between trainings of the two than "
            "between trainings of one.",
        ),
        "face-sgd": (
            "Grad-CAM is a face locator, layer by layer (SGD).",
            "At every layer the head has more of this SGD model's heat than its share of the area: the figure is "
            "that of the layer where it is least.",
        ),
        "face-adam": (
            "Grad-CAM is a face locator, layer by layer (Adam).",
            "At every layer the head has more of this Adam model's heat than its share of the area: the figure is "
            "that of the layer where it is least.",
        ),
        "high-face": (
            "The high model looks at nose, ears and face.",
            "At the last layer the head has more of the high model's heat than its share of the area.",
        ),
        "high-face-more": (
            "The high model looks at nose, ears and face; the low one at everything.",
            "At the last layer more of the heat lies in the head for the high model than for the low one.",
        ),
        "high-elsewhere": (
            "Where the high model errs it looks elsewhere.",
            "At the last layer less of the heat lies in the animal on pictures that the high model gets wrong than "
            "on those it gets right.",
        ),
        "low-everything": (
            "The low model looks at everything at once.",
            "Grad-CAM's heat at the last layer is more evenly spread for the low model than for the high one.",
        ),
        "low-smooth": (
            "The low model's feature maps are smooth.",
            "Neighbouring cells of feature maps differ less in the low model than in the high one, mean over all "
            "depths.",
        ),
        "low-dead": (
            "Some of the low model's feature maps are dead.",
            "A larger share of channels is dead in the low model than in the high one, mean over all depths.",
        ),
        "high-contrast": (
            "The high model's feature maps are contrasty.",
            "The contrast of feature maps is higher in the high model than in the low one, mean over all depths.",
        ),
        "high-alive": (
            "The high model's feature maps are nearly all alive.",
            "At most 5 % of the high model's channels are dead, mean over all depths.",
        ),
    },
    # of compound scaling: the claim, and what is tested
    "scaling_claims": {
        "scaling-regions": (
            "The compound-scaled model attends to more relevant regions.",
            "At the last layer more of its heat, beyond the area's share, lies in the animal than for models scaled in "
            "one dimension alone.",
        ),
        "scaling-detail": (
            "The compound-scaled model attends to more object detail.",
            "At the last layer more of the animal has heat above the picture's mean than for models scaled in one "
            "dimension alone.",
        ),
        "scaling-accuracy": (
            "At equal cost compound scaling is more accurate.",
            "Test accuracy is higher than that of models scaled in one dimension alone.",
        ),
        "scaling-resolution": (
            "Depth and width saturate earlier than resolution.",
            "At four times the cost test accuracy is higher with more pixels than with more layers or more channels.",
        ),
    },
    "scaling_kinds": {
        "baseline": "baseline",
        "deeper": "deeper",
        "wider": "wider",
        "sharper": "higher resolution",
        "compound": "compound",
    },
    "scaling_figures": {
        "animal": "share of heat in the animal, less its area",
        "head": "share of heat in the head, less its area",
        "covered": "share of the animal with heat above the mean",
        "accuracy": "test accuracy",
    },
    # claims of the originals that no figure here tests, and why
    "evidence_unjudged": [
        (
            "Where the high model errs, a person is in the picture too.",
            "It is not known in which of the pictures people are.",
        ),
        (
            "SGD's predictions are sometimes hard to understand.",
            "What is hard to understand of an answer is not said; of the maps it is tested.",
        ),
        (
            "Dropout after pooling helps more than before it; so do no dense layers, shortcuts, and augmentation.",
            "Each step of the ladder was trained once, so luck alone cannot be told apart; the ladder shows them.",
        ),
        (
            "More epochs would have helped the fine-tuned EfficientNet-B5.",
            "It takes a GPU; the recipe is there, to the letter.",
        ),
        (
            "Keep BatchNormalization in inference mode while fine-tuning, and unfreeze whole blocks.",
            "Nothing was trained otherwise, to be compared.",
        ),
    ],
    # words that stand in plots, which are drawn in English, by what stands there
    "plot_words": {},
    # by name: titles of plots
    "evidence_measures": {
        "dead": "Dead channels",
        "contrast": "Contrast of feature maps",
        "entropy": "Entropy of feature maps",
        "roughness": "Roughness of feature maps",
        "focus_entropy": "Spread of Grad-CAM",
        "focus_area": "Hot area of Grad-CAM",
        "head_share": "Heat in the head",
        "animal_share": "Heat in the animal",
        "head_lift": "Heat in the head beyond its area",
        "animal_lift": "Heat in the animal beyond its area",
        "astray": "Maps that miss the animal",
    },
}
