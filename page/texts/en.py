"""English."""

from typing import Any

TEXTS: dict[str, Any] = {
    "labels": {
        "experiment": "Experiment",
        "more_experiments": "More experiments",
        "more": "More",
        "also": "also:",
        "first_model": "Left",
        "second_model": "Right",
        "free": "Any two models",
        "free_question": "Any two models that know the same: choose each where its name stands.",
        "drop": "Drop a photo",
        "drop_touch": "Choose a photo",
        "camera": "Take a photo",
        "examples": "Examples",
        "dismiss": "Dismiss",
        "veil": "Drop it anywhere",
        "none_title": "There are no trained models yet",
        "none_text": "The page shows what lies in weights/. Train the first pair, put it there, and start again:",
        "empty_title": "See where two models look, and where they part",
        "empty_text": "They know only {knows}, and take whatever you show them for one of these. You see, layer by "
        "layer, what "
        "in the picture makes them say so.",
        "or": ", or ",
        "step_experiment": "What should differ?",
        "step_picture": "Show them a picture",
        "empty_drop": "Drop, paste or choose a photo, or many",
        "empty_drop_touch": "Choose a photo",
        "neither": "None of these:",
        "neither_ask": "what will they say?",
        "privacy": "Photos are deleted within {minutes} minutes after their last use; nothing leaves this server. A "
        "large photo is made smaller before it is sent; this tab of your browser keeps yours until you close it.",
        "rule": "Method",
        "methods": "Methods",
        "all_methods": "All methods …",
        "methods_about": "How long each takes for these models is what it has to compute, times how fast this server "
        "was so far; the first time, the models are prepared for it.",
        "group_pass": "One pass",
        "group_pass_about": "quick, once the models are prepared for it",
        "group_seconds": "Some seconds",
        "group_seconds_about": "many passes",
        "group_minutes": "Minutes",
        "group_minutes_about": "hundreds of passes",
        "under_second": "under 1 s",
        "about_seconds": "about {seconds} s",
        "about_minutes": "about {minutes} min",
        "at_work_share": "{percent} %, {left} left",
        "in_line": "{ahead} before you",
        "progress": "How far it is",
        "give_up": "Cancel",
        "target": "Evidence for",
        "own": "each its own",
        "common": "one class for both ({name})",
        "common_row": "one class for all ({name})",
        "both_explain": "both: {name}",
        "all_explain": "all: {name}",
        "contrast_target": "{name}, not {other}",
        "why": "why?",
        "contrast_ask": "Why {name} and not {other}?",
        "contrast_title": "What sets them apart",
        "finer_target": "each its own, not its nearest",
        "faithful": "Faithful?",
        "faithful_title": "Are the maps what the models rest on?",
        "faithful_about": "Parts of the photo are blurred, ten steps from none to all of it, and the model is asked "
        "again. Faithful: it loses its answer soon where the most important goes first, and keeps it long where the "
        "least important goes first; the gain is the mean distance of the two. Grey: maps that know no model (edges, "
        "the middle, four random ones). A blurred photo is unlike what the models learned from, and gains can be "
        "compared only by the same blur.",
        "faithful_most": "most important first",
        "faithful_least": "least important first",
        "faithful_cross": "most important first, by the other's map",
        "faithful_band": "maps that know no model",
        "faithful_axis": "of the photo blurred",
        "faithful_share": "how sure of {target}",
        "faithful_gain": "Gain {srg} (maps that know no model: at most {baselines}; by the other's map {cross})",
        "random_title": "Random weights",
        "random_about": "The same map while the weights are shuffled from the last layer on. It should become "
        "another one.",
        "random_trained": "as trained",
        "random_stage": "from {layer} on: {rank}",
        "random_none": "Not told for this model or method: it would take too long, or the model cannot be copied.",
        "faithful_chart": "{name}: how sure of {target} while the photo is blurred. Most important first: {most} %, "
        "at a half of it; least important first: {least} %.",
        "known": "They know only {knows}",
        "known_apart": "They know different things: {knows}",
        "knows_short": "knows",
        "knows": "These models know only these {count} classes",
        "about_known": "Whatever the picture shows, a model can only answer with a class that it was trained on. "
        "How sure it is "
        "tells how it chooses among those, not whether the picture shows any of them.",
        "class_find": "Find a class",
        "class_list": "Classes",
        "class_count": "{count} of {of} · ↑ ↓ choose, Enter takes",
        "shoot": "Take it",
        "camera_wait": "Waiting for the camera; your browser may ask you.",
        "camera_none": "The camera cannot be used: there is none, or the browser may not use it.",
        "sending": "Sending the photo",
        "sending_share": "Sending the photo: {percent} %",
        "lost": "The server does not answer; it is asked again when it is back",
        "lost_photo": "The server does not answer; your photo is kept here and sent again when it is back",
        "scattered": "This site runs on several servers, and your requests fall now on one, now on another, which do "
        "not know of each other. Whoever runs it has to send each visitor to one and the same (docs/hosting.md).",
        "copy_link": "Copy a link to this view",
        "copied": "Copied",
        "copy_about": "A link keeps examples, not your own photos.",
        "own_photo": "Your photo {name}",
        "forget": "Forget this photo",
        "photo_gone": "The photo of this address is not in this tab any more; please choose one.",
        "many_title": "Many photos",
        "many_about": "One after another they are sent, answered and forgotten by the server; this table is in your "
        "browser alone. Agreement: the mean over all layers of the rank correlation of the maps, where the models give "
        "the same answer. A click opens a photo. The ZIP holds this table, and of each photo a picture of the maps at "
        "the last layers.",
        "many_progress": "Progress",
        "many_running": "{done} of {count} looked at",
        "many_stopped": "Stopped: {done} of {count} looked at",
        "many_done": "All {count} looked at",
        "many_cancel": "Stop",
        "many_csv": "CSV ↓",
        "many_zip": "ZIP ↓",
        "many_filter": "Which photos",
        "many_all": "all",
        "many_disagree": "they disagree",
        "many_count": "{disagree} of {count}: they disagree",
        "many_photo": "Photo",
        "many_agreement": "Agreement",
        "many_layer": "Least alike at",
        "many_most": "{most} photos are taken at once: the first of {count}.",
        "tour_offer": "New here? A tour of five steps",
        "tour_short": "Tour",
        "tour_away": "Do not offer the tour again",
        "tour_place": "Step {step} of {steps}",
        "tour_back": "Back",
        "tour_on": "Next",
        "tour_done": "Done",
        "tour_choose_title": "What is compared",
        "tour_choose": "Choose an experiment here, and the photo that its models look at: an example, or one of your "
        "own.",
        "tour_overlays_title": "What each model sees",
        "tour_overlays": "Each picture belongs to one model. Above it stands what the model says, and how sure it is; "
        "on it, the class whose evidence is coloured: as a rule the model's own answer. The brighter, the more "
        "evidence; where the photo shows through there is none.",
        "tour_layers_title": "Layer by layer",
        "tour_layers": "A model looks in layers. Drag here, or press ← and →: all pictures move together, from the "
        "first layers on the left to the last ones on the right.",
        "tour_curve_title": "How alike they are",
        "tour_curve": "The line tells how far the maps agree at each layer: 1 is the same order of places, 0 "
        "unrelated. Grey, where it was measured: how far two trainings agree that differ by luck alone.",
        "tour_take_title": "Take it along, look closer",
        "tour_take": "“Save”, among the controls, gives the picture, the numbers, or the whole comparison as a file "
        "that works offline.",
        "tour_evidence": "“Evidence”, at the top, tells what was measured over many pictures.",
        "not_a_file": "That is no file; please save the picture first, or copy and paste it.",
        "models_loading": "The models are loading; you can already choose a photo",
        "models_loading_wait": "The models are loading; then they look at it",
        "loading": "Loading {titles}, about {seconds} s as a rule",
        "loading_unknown": "Loading {titles}",
        "looking": "Both models are looking",
        "looking_row": "{count} models are looking",
        "several": "{count} models",
        "still": "Still at it; this takes longer than usual",
        "still_loading": "Still loading {titles}",
        "no_answer": "The server has not answered; please try again.",
        "not_sent": "The photo could not be sent; please try again.",
        "too_large": "This file is larger than {megabytes} MB; please choose a smaller one.",
    },
    # what a rule shows, by its name
    "rules": {
        "gradcam": "Where the features that raise the score are: the common one.",
        "gradcam++": "As Grad-CAM, but several things of the same kind count alike.",
        "hirescam": "Feature times gradient, place by place; at the last layer just what the score is made of.",
        "layercam": "As HiResCAM, without what lowers the score: sharp also in early layers.",
        "xgradcam": "As Grad-CAM, with features weighted by where they are active.",
        "fem": "Where features are far above their mean, whatever the class.",
        "shapleycam": "As Grad-CAM, corrected by how the gradient itself changes.",
        "refinecam": "What this layer and all behind it agree on.",
        "eigencam": "What varies most in the layer, whatever the class.",
        "eigengradcam": "The main direction of feature times gradient, be it for or against the class.",
        "kpcacam": "What varies most in the layer, also along curved ways, whatever the class.",
        "gradient": "The pixels at which a small change would change the score most.",
        "gradient-input": "What each pixel adds to the score, if the model were linear around the photo.",
        "fullgrad": "What the pixels and every bias add to the score, together.",
        "guided-backprop": "Fine edges that look right, but hardly depend on what the model has learned.",
        "guided-gradcam": "Fine edges where Grad-CAM is hot; the detail is not the model's.",
        "legrad": "Where more attention would raise the score; for vision transformers.",
        "smoothgradcam++": "Grad-CAM++ averaged over noisy copies of the photo.",
        "scorecam": "The photo is shown through every feature, and the score decides which count.",
        "ablationcam": "Every feature is switched off once: what the score loses is what it counts.",
        "smoothgrad": "The gradient averaged over noisy copies of the photo.",
        "integrated-gradients": "What each pixel adds to the score on the way from a black picture to this one.",
        "occlusion": "A window is covered place by place: what the score loses is shown there.",
        "rise": "A thousand random masks: places that are kept where the model stays sure.",
    },
    # what a model knows, by name of its data set
    "known": {"cats-dogs": "cats and dogs", "cifar-100": "100 everyday things"},
    "known_few": "{names}",
    "known_many": "{count} classes",
    "and": " and ",
    "rarely": "The two give different answers to {count} of {of} {population}.",
    "rarely_row": "The {models} do not all give the same answer to {count} of {of} {population}.",
    # models of the host's own
    "yours": "Your models",
    "yours_question": "Models of your own: does each look at **the same places**?",
    "yours_apart": "Models of your own that **know different classes**: what makes each say what it says?",
    "tagline": "what two models see in one picture",
    "compare": "Compare",
    "evidence": "Evidence",
    "about": "About",
    "kinds_or": " or ",
    "accepted": "{kinds} · at most {megabytes} MB",
    # title and question, by id of an experiment
    "experiments": {
        "sgd-adam": (
            "SGD or Adam?",
            "One network, the same data in the same order; **only the optimizer differs**. Do the two look at the same "
            "places?",
        ),
        "high-low": (
            "High or low accuracy?",
            "One network learned from 17,000 photos, its twin from **six with swapped labels**. What does it see "
            "that has "
            "learned nothing?",
        ),
        "plain-pretrained": (
            "Plain or pretrained?",
            "A small network trained **from nothing**, and one that knew **a million photos** before. Which details "
            "carry the "
            "answer?",
        ),
        "frozen-finetuned": (
            "Frozen or fine-tuned?",
            "One network that knew a million photos: **only a new last step** trained, or **all of it**. Does it look "
            "elsewhere?",
        ),
        "one-five": (
            "One or five?",
            "Five models and **the mean of their answers**. Where does the majority look, and who stands apart?",
        ),
        "luck-sgd": (
            "Luck alone? SGD twice",
            "The same recipe twice, with other random numbers: how far do two trainings agree that differ by luck "
            "alone?",
        ),
        "luck-adam": (
            "Luck alone? Adam twice",
            "The same recipe twice, with other random numbers: how far do two trainings agree that differ by luck "
            "alone?",
        ),
    },
    # evidence
    "evidence_labels": {
        "lead": "What the original experiments claimed, and what becomes of it when it is measured.",
        "verdicts_none": "The original experiments claim nothing of these two; what was measured stands below.",
        "verdicts_others": "Claims of other experiments ({count})",
        "verdicts_unjudged": "Claims that nothing here tests, and why ({count})",
        "of_a_row": "What is measured of two models stands at the experiments of two. Of each of these models: the "
        "figures below, and how it errs among many classes.",
        "see": "see a picture",
        "see_title": "{sentence} Look at it on “{title}”",
        "by_name": "List them by their names in the data set",
        "jumps": "On this page",
        "models": "Models",
        "claims": "Claims",
        "plots": "Plots",
        "pictures": "Test pictures",
        "models_title": "The models against the original's figures",
        "models_text": "Ours: the shipped checkpoint on each whole split, unaugmented, with 95 % intervals. "
        "The original: on training (augmented) and validation the best of all epochs, accuracy and loss each for "
        "itself; on test one figure. Its report gives no intervals.",
        "model": "Model",
        "train": "Training",
        "validation": "Validation",
        "test": "Test",
        "no_figure": "none",
        "claims_title": "The original claims, judged",
        "rule": "How they are judged",
        "tested": "What is tested",
        "claims_none": "The claims have not been judged yet: `python -m study claims` does it.",
        "experiment": "Experiment",
        "make": "What is missing is made by:",
        "list": "List",
        "picture": "Picture",
        "truth": "True class",
        "agreement": "Agreement",
        "agreement_text": "Agreement: rank correlation of the two Grad-CAMs at the last layer; – where the two "
        "were not compared on the picture.",
        "list_none": "No picture of the test split is in this list.",
        "examples": "Free examples",
        "examples_text": "These free pictures can be opened in Compare with the two models:",
        "open_example": "Open “{title}” in Compare",
        "loading": "Loading",
        "again": "Try again",
    },
    # lists of pictures, in Evidence and of models of the host's own
    "list_labels": {
        "csv": "CSV ↓",
        "csv_title": "Data of “{title}” as CSV",
        "wrong": "wrong",
        "unknown": "not measured",
        "open": "Open {identity} in Compare",
        "range": "{from} to {to} of {count}",
        "previous": "Previous",
        "next": "Next",
        "failed": "This could not be loaded.",
    },
    "survey_labels": {
        "title": "Where they differ",
        "lead": "What your models say to all pictures of the folder. Those come first on which they disagree, "
        "then those on which they differ most. A click opens one in Compare.",
        "progress": "Progress",
        "lists": "Which pictures",
        "all": "all",
        "disagree": "they disagree",
        "picture": "Picture",
        "label": "Label",
        "difference": "Difference",
        "table": "What each model says",
        "none_yet": "No picture has been looked at yet.",
        "none": "There is none on which they disagree.",
    },
    "survey_same": "Difference: how far the models' probabilities are from one another (Jensen and Shannon's "
    "divergence, as a share of the most that it can be). 0: the same; 1: nothing in common.",
    "survey_apart": "The models know different classes, so only the label can be held against them: they disagree "
    "where some that know it say it, and others do not. Difference: how far apart the probabilities are that they give "
    "it; – where fewer than two know it.",
    "survey_running": "{done} of {count} pictures looked at",
    "survey_left": "{done} of {count} pictures looked at, about {minutes} min left",
    "survey_done": "All {count} pictures have been looked at.",
    "survey_done_but": "All {count} pictures have been looked at; {unreadable} of them cannot be read.",
    "survey_no_folder": "There is no folder {name}.",
    "survey_no_pictures": "The folder {name} holds no folders with pictures: one folder a class is needed.",
    "pictures": "Pictures",
    "evidence_rules": [
        "A claim's figure has a 95 % interval, and is signed so that the claim asks for more of it. A claim that "
        "something is so holds when the whole interval lies above its margin (what it takes to be worth speaking "
        "of), does not hold when it lies below, and cannot be told when the margin lies within. A claim that there "
        "is no more than that: the other way round.",
        "A claim about two files (“this high model”) is judged by an interval over pictures, and says nothing of "
        "another training of the same recipe.",
        "A claim about a recipe (“Adam”) is judged by trainings: the differences that an exact permutation test "
        "over all trainings of both recipes does not reject. Fewer than four trainings of each are too few to "
        "tell, however many pictures there are: two trainings of one recipe differ as well.",
        "Rule, figures and margins stand in study/claims.py. They were written before any training beyond the first "
        "two of a recipe was measured; of most claims the figures of the first trainings were known by then, as "
        "is said there.",
    ],
    "evidence_plots": {
        "curves": (
            "Accuracy and loss by epoch",
            "How the two trainings went: solid on the validation split, dotted on augmented training pictures.",
        ),
        "confusion": ("Confusion matrices", "Test pictures by their true class and the one each model predicts."),
        "roc": (
            "ROC",
            "How many of a class are found for how many of the others taken for it, at every threshold; dashed: "
            "chance.",
        ),
        "reliability": (
            "Reliability",
            "How often a model is right when it is that sure: on the dashed line as often as it says. Larger dots "
            "stand for more pictures.",
        ),
        "agreement": (
            "Agreement by depth",
            "Rank correlation of the two Grad-CAMs, and how far their hottest fifths overlap (chance: 0.2): the "
            "median over test pictures, and where 8 of 10 lie; in grey trainings of one recipe that differ in the seed "
            "alone. Dots at the foot: depths where trainings of the two recipes agree otherwise than trainings of "
            "one.",
        ),
        "features": (
            "Feature maps by depth",
            "Dead channels, and contrast, entropy and roughness of the live ones, with 95 % intervals over "
            "pictures: of these two files. Dots at the foot: depths where the two recipes differ.",
        ),
        "focus": (
            "Spread of Grad-CAM by depth",
            "How evenly the heat lies (0 in one cell, 1 everywhere), and the share of the map above half of its "
            "peak, with 95 % intervals over pictures: of these two files. Dots at the foot: depths where the two "
            "recipes differ.",
        ),
        "heads": (
            "Heads and animals",
            "Share of Grad-CAM's heat inside the head and inside the animal, by depth, with 95 % intervals over "
            "pictures: of these two files; dashed: their share of the area. Dots at the foot: depths where the two "
            "recipes differ.",
        ),
        "cka": (
            "Likeness of features",
            "Linear CKA of the ends of all pairs of blocks, features averaged over space: 1 the same up to "
            "rotation and scale, 0 unrelated (debiased: by chance a little below). Dots: depths where trainings of "
            "the two recipes are otherwise alike than trainings of one.",
        ),
    },
    "evidence_lists": {
        "left_wrong": ("{left} is wrong", "Pictures that {left} gets wrong, the surest first."),
        "right_wrong": ("{right} is wrong", "Pictures that {right} gets wrong, the surest first."),
        "disagree": ("The two disagree", "Pictures for which the two predict different classes, the surest first."),
        "unsure": ("Least certain", "The pictures that the two together are least sure of."),
        "sure": ("Most certain", "The pictures of which the less sure of the two is surest."),
        "other_evidence": (
            "Same prediction from different evidence",
            "Both predict the same class, and their Grad-CAMs at the last layer agree least; among the {compared} "
            "of {of} pictures on which the two were compared.",
        ),
    },
    "evidence_scaling": "Compound scaling",
    "evidence_scaling_text": "{count} trainings of one small network and of four with four times its cost. Heat is "
    "that of each one's own answer at its last layer, on {pictures} pictures in which animals are marked, brought to "
    "one grid of 4 x 4 so that a finer map does not win by its size. Judged by trainings, by an exact one-sided test "
    "that was fixed before any was measured.",
    "evidence_scaling_cost": (
        "Accuracy against cost",
        "Left: every training of ours on cats and dogs. Right: EfficientNet-B0 to B7 as the paper gives them, on other "
        "data.",
    ),
    "evidence_scaling_few": "**Too few to tell:** three trainings of each kind are needed; there are {least} of one.",
    "evidence_scaling_figure": "**{mean}** ({low} to {high}, where a one-sided test at 5 % begins to reject): {kind} "
    "({count} trainings) less {others} ({of}). Of all ways to call {count} of them so, {p} give as much.",
    "evidence_scaling_pair": "{kind} less {other}: {mean} ({low} to {high}), without a verdict.",
    "evidence_ours": "ours",
    "evidence_original": "original",
    "evidence_original_what": "Original: {what}.",
    "evidence_interval": "{low} to {high}",
    "evidence_loss": "loss {loss}",
    "evidence_best": "best of {epochs} epochs",
    "evidence_after": "after {epochs} epoch",
    "evidence_pair": "{left} and {right}",
    "evidence_measured": "Maps and features were measured on {count} test pictures. Agreement is of maps of each "
    "picture's true class; all else about maps is for what each model itself predicts.",
    "evidence_measured_heads": "Maps and features were measured on {count} test pictures; heads and animals on "
    "{heads} other pictures in which they are marked. Agreement is of maps of each picture's true class; all else "
    "about maps is for what each model itself predicts.",
    "evidence_recipes": "Whether the two **recipes** differ is judged by {left} and {right} trainings: marked is "
    "where an exact permutation test over them, corrected over the depths of a measure, has p ≤ 5 %.",
    "evidence_recipes_few": "The intervals are of these two files. Whether the two **recipes** differ cannot be "
    "told from {left} and {right} trainings: **too few to tell** (it takes four of each), so nothing is marked.",
    "evidence_recipes_pairs": "Not all pairs of the trainings are compared, so agreement and likeness are not judged.",
    "evidence_left_out": "Not looked at are trainings beyond the first {most} of a recipe, as all ways of dividing "
    "them would be too many to try: {titles}.",
    "evidence_one_recipe": "These are two trainings of one recipe: what differs here differs by luck.",
    "evidence_no_plots": "{left} and {right} have not been compared yet, so there are no plots of the two.",
    "evidence_missing": "Not there: {plots}.",
    "evidence_no_lists": "The list of test pictures needs what both models predicted for them "
    "(evaluation/predictions.npz beside each model).",
    "evidence_figure_file": "Measured: **{mean}**, 95 % interval {low} to {high}, over {count} pictures: of these "
    "files.",
    "evidence_figure_recipe": "Measured: **{mean}**, 95 % interval {low} to {high}, over trainings: {left} and "
    "{right} of them.",
    "evidence_needs": "To hold, all of the interval must lie above its margin, **{margin}**.",
    "evidence_needs_same": "To hold, all of the interval must lie below its margin, **{margin}**.",
    "evidence_known": "The figure of the first trainings was known when this rule was written.",
    "evidence_too_few": "**Too few to tell:** {left} and {right} trainings; it takes four of each.",
    "evidence_too_few_pictures": "**Too few to tell:** fewer than five of the marked pictures are got wrong.",
    "evidence_nothing": "**Nothing to tell:** no picture has it in any of the models.",
    "evidence_trainings": "{title}, {count} trainings: {values}.",
    "evidence_pairs_between": "Between trainings of the two, {count} pairs: {low} to {high}.",
    "evidence_pairs_within": "Within one recipe, {count} pairs: {low} to {high}.",
    "evidence_not_all_pairs": "**Not judged:** not all pairs of the trainings are compared.",
    "evidence_not_compared": "**Not judged:** {left} and {right} have not been compared yet.",
    "evidence_stale": "This was measured on an earlier training of {titles}: compare the two anew.",
    "evidence_claim_stale": "**Not judged:** this was measured on an earlier training of {titles}.",
    "evidence_not_measured": "**Not judged:** this figure was not measured of {left} and {right}.",
    "evidence_no_data_long": "The test pictures may not be passed on, so they are not shown: only their numbers in "
    "the data set. Whoever runs this page with the data (app.py --data-dir DIR) sees them here.",
    "evidence_other_data": "The data folder of this server holds none of these pictures.",
    "evidence_unknown": "There is nothing of that name here.",
    "evidence_no_table": "The data of this plot are not there.",
    "evidence_no_data": "This server has no data set to show pictures from.",
    "evidence_no_file": "Not in the data folder.",
    "evidence_other_edition": "Another edition: not the file the models were tested on.",
    "evidence_unreadable": "This file cannot be read.",
    # evidence of many classes
    "classes_labels": {
        "many": "Classes",
        "many_title": "Many classes, closely",
        "many_model": "Model",
        "confusion": "What is taken for what",
        "confusion_text": "Rows: the true class; columns: the class that is predicted. Blue: right; red: taken for "
        "another class; the stronger, the more often. Point at a cell, tap it or use the arrow keys, and it is told "
        "below; a click or “Zoom in” enlarges.",
        "confusion_grouped": "Classes are sorted by superclass: the lines lie between the {groups} of them.",
        "confusion_keys": "Confusion matrix of {count} classes. Arrow keys move, Enter zooms in, Escape goes back.",
        "confusion_keys_grouped": "Confusion matrix of {count} classes. Arrow keys move, Page Up and Page Down by "
        "superclass, Enter zooms in, Escape goes back.",
        "cell": "True **{truth}**, predicted **{answer}**: {count} of {total}",
        "cell_right": "True **{truth}**, predicted **{answer}**: {count} of {total}, right",
        "cell_none": "No test picture is a {truth}.",
        "zoom": "Zoom",
        "zoom_all": "all {count} classes",
        "zoom_cell": "Zoom in",
        "zoom_back": "← All classes",
        "zoom_pair": "{first} and {second}",
        "zoom_block": "{rows}, taken for {columns}",
        "elsewhere": "others",
        "truth_below": "true ↓ predicted →",
        "scale_wrong": "taken for another: 0 to {most}",
        "scale_right": "right: 0 to 100 %",
        "pairs": "Most often confused",
        "pairs_text": "Both ways together; the first is taken for the second at least as often as the other way round.",
        "pair_counts": "{there} there, {back} back, of {of}",
        "best": "Best classes",
        "worst": "Worst classes",
        "every_class": "Class by class",
        "ends_text": "Share of a class's test pictures that are right, with the 95 % interval of this class by itself.",
        "of_so_called": "of those called so {share} are right",
        "taken_for": "else mostly {name} ({count})",
        "inside": "Errors within and across superclasses",
        "inside_right": "right",
        "inside_within": "wrong, within the superclass",
        "inside_across": "wrong, in another",
        "sureness": "Reliability",
        "sureness_text": "How often a model is right when it is that sure: on the dashed line as often as it says. "
        "Larger dots stand for more test pictures; bars are 95 % intervals. Thin lines: {others}, where there are "
        "{fewest} pictures or more.",
        "sureness_members": "its members",
        "sureness_others": "the other models of these classes",
        "sureness_alone": "How often the model is right when it is that sure: on the dashed line as often as it says. "
        "Larger dots stand for more test pictures; bars are 95 % intervals.",
        "sure": "how sure",
        "right": "how often right",
        "gap": "calibration error",
        "adding": "What each member adds",
        "member": "Member",
        "alone": "Alone",
        "without": "All but it",
        "adds": "Adds",
        "ladder": "The ladder: from a plain network upwards",
        "ladder_text": "Short trainings on CIFAR-100, each adding one thing to the one before it. Dot and line: ours "
        "on the test split with its 95 % interval; diamond: the original, which gives no intervals. Times are by the "
        "clock, beside other work.",
        "ladder_step": "Step",
        "ladder_ours": "Ours",
        "ladder_original": "Original",
        "ladder_parameters": "Weights",
        "ladder_trained": "Trained",
    },
    "classes_right": "{title} gets **{right} of {count}** test pictures right: {share} (95 % interval {low} to "
    "{high}).",
    "classes_within": "Of {wrong} wrong answers **{share}** name another class of the same superclass (95 % interval "
    "{low} to {high}). If each fell on any of the other classes alike, it would be {chance}.",
    "classes_groups_right": "So the superclass is right for **{share}** of the test pictures.",
    "classes_together": "The mean of {count} answers is right for **{together}** of the test pictures, the best member "
    "alone for {best}. “Adds” is what is lost without the member; in brackets its 95 % interval over pictures.",
    "classes_points": "{value} points",
    "classes_points_interval": "{value} points ({low} to {high})",
    "evidence_no_predictions": "What this model predicted for the test pictures cannot be read.",
    "ladder_range": "{low} to {high} %",
    "ladder_epochs": "{count} epochs",
    "ladder_epoch": "{count} epoch",
    "ladder_seconds": "{count} s",
    "ladder_minutes": "{count} min",
    "ladder_hours": "{count} h",
    # about
    "about_what": "Two classifiers that differ in one thing, the optimizer for example, look at your photo. "
    "For every layer "
    "of both, the page shows where in the picture the evidence for a class lies, pairs layers by depth, and says "
    "how far the two agree.",
    "about_read": "How to read it",
    "about_points": [
        "A map shows where a layer holds evidence for the explained class, from little to much as the colours "
        "run (viridis: from violet to yellow), none where the photo shows through. Each map has its own scale; "
        "“map” shows its true cells, “what it saw” the squashed picture that went in.",
        "One scrubber moves through both models from the first layer to the last. The blue curve is "
        "Spearman's rank "
        "correlation of the two maps: 1 the same order of places, 0 unrelated.",
        "The grey band is the yardstick: how far two trainings of one recipe agree that differ by luck alone, on "
        "maps of each test picture's true class. At each depth 8 of 10 test pictures lie in it and 1 of 10 below, so "
        "with many depths a test picture lies below at some of them by luck. Only where it is below at more depths "
        "than two seeds are on 9 of 10 test pictures does that say something about the two models, and the words say "
        "so.",
        "The difference divides each map by its own sum first: red where the left model has more of its heat, blue "
        "where the right one has. Its scale is a round number that fits the layer, and stands at the bar.",
        "Each map explains its own model's answer. Where the two answers differ, each picture says what it is evidence "
        "for, and there is no difference and no number: maps of different classes differ whatever the models look at. "
        "“One class for both” explains on both sides the class with the higher mean probability.",
        "More than two models stand in a row. Each is held against the first: the bar under a map tells how far the "
        "two agree here, and a click on it makes its line stand out.",
        "Of more than five classes each model shows its own five likeliest. Where the right class is known it is "
        "ticked: blue where it is first, green among the five, and amber marks the first guess where it is not there.",
        "What a model gets “at least” right is the lower end of a 95 % interval over the 100 test pictures that it is "
        "most nearly as sure of. Of an example that shows none of a model's classes the page tells no such rate, and "
        "no yardstick: they were measured on pictures of those classes.",
        "A map shows what a model responds to, not why, and no map proves that a model is right.",
    ],
    "about_hands": "Keys: ← → Home End move through the layers. With the focus in the comparison (click into it) "
    "O M F S choose what to show; while you hold Space, or press and hold a picture, you see the photo alone; while "
    "you hold B, left and right change places, so that a difference blinks. + − 0, Ctrl and wheel, a double click or "
    "two fingers zoom.",
    "about_tour": "Take the tour of five steps",
    "about_models": "Models",
    "about_columns": [
        "Model",
        "Test accuracy",
        "Test pictures",
        "Log loss",
        "Calibration error",
        "Weights",
        "Recipe",
    ],
    "about_source_columns": ["Picture", "Author", "Licence", "Taken from"],
    "about_problems": "Passed over, because they cannot be used:",
    "about_rules": "Rules",
    "about_rules_text": "Aₖ is channel k of a layer, Gₖ the gradient of the explained score there, ⊙ place by place.",
    "about_privacy": "Privacy",
    "about_privacy_text": "Your photo goes to the server that runs this page, and nowhere else. It is read, "
    "answered with "
    "maps, and deleted within {minutes} minutes after its last use, from disk and memory, or when the server "
    "stops. There are no cookies of ours, no statistics, and no requests to other hosts.",
    "about_sources": "Sources",
    "about_sources_text": "The example photographs:",
    "about_api": "For programs",
    "about_api_text": "The same answer, as JSON, by gradio_client:",
    # title and description, by a model's id; without such those of its card
    "models": {},
    # by an example's id; without such that of its file
    "example_titles": {},
    # by a rule's name; without such the library's
    "rule_warnings": {},
    "language": "English",
    "language_label": "Language",
    # the static site
    "static_what": "Pairs and rows of trained models look at the same photographs. Choose one: you see, layer by "
    "layer, where each model finds its evidence, and how far they agree.",
    "static_own": "Try a photo of your own",
    "static_ways": "Experiments and pictures",
    "static_credit": "Photo: {title}, {author}, {licence}.",
    "static_progress": "Looking at the examples",
    "static_made": "{count} pages made. Open {place}.",
    "static_live": "--live takes an address that begins with http:// or https://, not {asked!r}.",
    "static_nothing": "There is nothing to show: no experiment whose models are there, or no example.",
    # errors
    "no_picture": "Choose a photo first.",
    "gone": "This photo is no longer on the server; please drop it again.",
    "unknown_example": "There is no example of that name.",
    "unknown_model": "There is no model {asked!r}. There are: {known}.",
    "model_count": "Choose {fewest} to {most} models.",
    "other_classes": "These models tell different classes apart, so this cannot be asked of both; ask for each one's "
    "own answer, or for a class that all know.",
    "unknown_rule": "There is no rule {asked!r}. There are: {known}.",
    "unknown_target": "Neither “own”, “common” nor a class of these models: {asked!r}. There are: {known}.",
    "not_uploaded": "Only pictures that were uploaded here are read.",
    "model_fails": "{title} cannot be loaded: {reason}",
    "not_explained": "{title} cannot be explained: {reason}",
    "start_fails": "The models cannot be loaded; whoever runs this page finds the reason in its log.",
    "lacks_guided": "{title} has no ReLU, at which this method changes what is passed back.",
    "lacks_attention": "{title} has no attention over patches of the picture, at which this method looks.",
    "lacks_classes": "With two classes, what speaks for the one speaks against the other: this takes three or more.",
    "lacks_logits": "An ensemble has no scores of its own before its probabilities, which this compares.",
    "contrast_agree": "The two give the same answer, so there is nothing that sets them apart.",
    "contrast_ensemble": "An ensemble has no scores of its own before its probabilities, so what sets it apart from "
    "another is not told.",
    "contrast_pair": "What sets models apart is asked of two.",
    "contrast_rule": "What sets two models apart is asked by one of these methods: {known}.",
    "finer_title": "Finer-CAM",
    "finer_sentence": "Grad-CAM of each model's own answer, and not of the classes nearest to it.",
    "faithful_pair": "Faithfulness is asked of two models.",
    "faithful_target": "Faithfulness is asked of maps of a class alone.",
    "faithful_better": "**{name}: better than knowing nothing.** Its map tells what the answer rests on better than "
    "any of those that know no model (gain {srg}, theirs at most {baselines}).",
    "faithful_no_better": "**{name}: no better than knowing nothing.** Some map that knows no model does as well (gain "
    "{srg}, theirs up to {baselines}), so on this picture the map does not show what the answer rests on.",
    "faithful_zero": "**{name}: no map.** It is zero everywhere here, so the order of its places is a random one.",
    "cross_both": "Each loses its answer **as fast by the other's map** as by its own: either map tells of both alike.",
    "cross_neither": "Each loses its answer **later by the other's map** than by its own: {first} and {second} rest on "
    "different places, or on more than the other's map shows.",
    "cross_one": "{watched} loses its answer as fast by {other}'s map as by its own; **{other} does not** by that of "
    "{watched}: it rests on something else, or on more.",
    "random_alike": "**{name}: hardly depends on what was learned.** With all weights at random the map is still much "
    "the same (rank correlation {rank}): it shows the picture.",
    "random_other": "{name}: with all weights at random the map is another one (rank correlation {rank}), so it "
    "depends on what was learned.",
    "busy_slow": "Too many questions that take long are waiting just now; please try again in some minutes.",
    "cancelled": "This was given up.",
    "too_slow": "This takes longer than {minutes} minutes here; please choose a faster method or fewer models.",
    "takes_long": "Only what is answered at once is asked here: by {known}, of own, common or a class.",
    "not_ready": "The models are still being loaded; please try again in a minute.",
    "stopping": "This server is about to stop; please try again in a minute.",
    "picture_base64": "The picture has to be the file itself, as base64; an address is not opened.",
    "busy": "Too many photos are waiting just now; please try again in a minute.",
    "internal": "Something went wrong on the server; please try again, or take another photo.",
    "no_address": "There is nothing at this address.",
    "long": "This is too long; at most {megabytes} MB are taken here.",
    "slow": "This did not arrive in time; please try again.",
    "not_json": "A question is JSON, and says so: Content-Type: application/json.",
    "not_known": "A question of this form is not known here.",
    "one_file": "An upload is multipart/form-data with one file, in a field called files.",
    "share": "Too much comes from your address at once; please wait for some of it to end.",
    "no_function": "There is no function of this name or number.",
    "no_question": "There is no such question, or its answer is no longer kept; please ask again.",
    "arguments": "This takes {count} values, in this order: {names}.",
    "argument": "One of the values is of another kind than this takes.",
    # by key of a PictureError, CheckpointError or ModelError ("picture.too-large"), filled in by the error's facts;
    # what is not here is said in the library's own words
    "errors": {
        "model.head": "It ends in the operation {operation}, so whether it gives probabilities cannot be told for "
        "certain; with a layer of softmax or sigmoid at its end it can.",
    },
}
