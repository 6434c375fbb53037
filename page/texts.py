"""All that the page says, one table a language. `say` fills in names; nothing else in the page holds sentences.

"labels" go to the browser as they are, {names} in them are filled in there. In sentences **two stars** mark what stands
out.
"""

from typing import Any

LANGUAGE = "en"

TEXTS: dict[str, dict[str, Any]] = {
    "en": {
        "labels": {
            "experiment": "Experiment",
            "left": "Left",
            "right": "Right",
            "free": "Free choice",
            "drop": "Drop a photo",
            "drop_touch": "Choose a photo",
            "camera": "Take a photo",
            "examples": "Examples",
            "dismiss": "Dismiss",
            "close": "Close",
            "previous": "Previous",
            "next": "Next",
            "veil": "Drop it anywhere",
            "none_title": "There are no trained models yet",
            "none_text": "The page shows what lies in weights/. Train the first pair, put it there, and start again:",
            "empty_title": "See where two models look, and where they part",
            "empty_text": "Two classifiers that differ in one thing look at your photo side by side, layer by layer.",
            "empty_drop": "Drop a photo, paste it, or click to choose",
            "empty_drop_touch": "Choose a photo",
            "empty_or": "or start with one of these",
            "privacy": "Photos are read, shown to you, and deleted; nothing leaves this server.",
            "in_words": "In words",
            "scrub_panel": "Depth, rule and drawing",
            "scrubber": "Depth in both models",
            "rule": "Rule",
            "target": "Class to explain",
            "predicted": "predicted",
            "opacity": "Opacity",
            "colours": "Colours",
            "show": "What to show",
            "mode_overlay": "overlay",
            "mode_map": "map",
            "mode_saw": "what it saw",
            "mode_keys": "oms",
            "zoom": "Zoom",
            "zoom_in": "Zoom in",
            "zoom_out": "Zoom out",
            "zoom_reset": "Whole picture",
            "hint": "← → move",
            "save": "PNG ↓",
            "save_title": "Save what is on the screen as PNG",
            "cost": "{passes} passes, {seconds} s",
            "cost_title": "{milliseconds} ms of it in the two models; the rest is reading, comparing and packing",
            "shallow": "shallow",
            "deep": "deep",
            "rank": "rank correlation {rank}",
            "overlap": " · hottest fifths overlap {percent} %",
            "no_agreement": "no agreement to measure: a map is zero",
            "slider": "{place} of {count}: {left} and {right}, agreement {rank}",
            "slider_band": "{place} of {count}: {left} and {right}, agreement {rank}, two seeds {low} to {high}",
            "go": "Go to {layer}",
            "alt": "The photo, with the model's heat over it",
            "alt_difference": "The photo, with the difference of the two maps over it",
            "saw": "what it saw",
            "zero": "zero everywhere",
            "heat": "{percent} % of its peak",
            "difference": "red left · blue right",
            "difference_title": "Full colour: a difference of {limit} times the heat that an even spread would "
            "put everywhere",
            "no_difference": "no difference: a map is zero",
            "features": "{name}: feature maps here, most important first ({count} of {of})",
            "channel": "Channel {channel}",
            "enlarge": "Enlarge channel {channel}",
            "enlarged": "{side}, {layer}, channel {channel}",
            "enlarged_text": "{place} of {count} (of {of}) · from {low} to {high} · importance {importance}",
            "shoot": "Take it",
            "camera_wait": "Waiting for the camera; your browser may ask you.",
            "camera_none": "The camera cannot be used: there is none, or the browser may not use it.",
            "sending": "Sending the photo",
            "models_loading": "The models are loading; you can already choose a photo",
            "loading": "Loading {titles}, about {seconds} s as a rule",
            "loading_unknown": "Loading {titles}",
            "looking": "Both models are looking",
            "still": "Still at it; the server is busy",
            "no_answer": "The server has not answered; please try again.",
            "not_sent": "The photo could not be sent; please try again.",
            "too_large": "This file is larger than 20 MB; please choose a smaller one.",
        },
        "name": "Two Minds",
        "tagline": "what two models see in one picture",
        "compare": "Compare",
        "about": "About",
        "accepted": "{kinds} · at most {megabytes} MB",
        # numbers
        "percent": "{value}\N{NO-BREAK SPACE}%",
        "above": ">\N{NO-BREAK SPACE}99.9\N{NO-BREAK SPACE}%",
        "below": "<\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}%",
        # the two sides
        "weights": "{count} M weights",
        "input": "{height} × {width} px",
        "accuracy": "{value}\N{NO-BREAK SPACE}%",
        "accuracy_interval": "{value}\N{NO-BREAK SPACE}% ±\N{NO-BREAK SPACE}{half}",
        "accuracy_title": "Share of right answers on {count} test pictures it never saw",
        "accuracy_title_interval": "Share of right answers on {count} test pictures it never saw; 95 % interval "
        "{low} to {high} %",
        "the_left": "the left model",
        "the_right": "the right model",
        "legend_seeds": "agreement of the two maps, by depth (grey: two seeds of one recipe)",
        "legend_seeds_short": "agreement (grey: two seeds)",
        "legend_none_short": "agreement (no yardstick)",
        "legend_none": "agreement of the two maps, by depth (no yardstick)",
        "explained": "explained: {name}",
        # notes of the reader
        "first-frame": "This file holds several pictures; this is the first.",
        "shrunk": "The photo was made smaller before the models saw it.",
        "stretched": "The values of this file have no usual range; they were stretched from least to greatest.",
        # in words
        "same_class": "Both say **{name}** ({left_share} and {right_share}).",
        "same_class_right": "Both say **{name}** ({left_share} and {right_share}; when that sure they are right "
        "{left_right} and {right_right} of the time).",
        "same_class_unsure": "Both say **{name}**; {unsure} is less sure ({share}, {other} {other_share}).",
        "same_class_unsure_right": "Both say **{name}**; {unsure} is less sure ({share}; when that sure it is right "
        "{right} of the time).",
        "other_class": "They disagree: {left} says **{left_name}** ({left_share}), {right} **{right_name}** "
        "({right_share}).",
        "other_class_right": "They disagree: {left} says **{left_name}** ({left_share}), {right} **{right_name}** "
        "({right_share}); when that sure they are right {left_right} and {right_right} of the time.",
        "common": "Both maps explain **{name}**, the class with the higher mean probability.",
        "peaks_same": "Here the heat of both peaks **at the same place**",
        "peaks_apart": "Here their heat peaks at **different places**",
        "spread_alike": "{peaks} and spreads over about as much of the picture ({left_share} and {right_share}).",
        "spread_wider_same": "{peaks}, but {wider}'s spreads over **{ratio}\N{NO-BREAK SPACE}×** the area.",
        "spread_wider_apart": "{peaks}, and {wider}'s spreads over **{ratio}\N{NO-BREAK SPACE}×** the area.",
        "heat_one": "{side} has no peak here: its map is the same everywhere.",
        "zero_one": "{side}'s map is **zero everywhere** here: nothing at this depth speaks for {name} by this rule.",
        "zero_both": "Both maps are **zero everywhere** here: nothing at this depth speaks for {name} by this rule.",
        "agree_within": "They agree **as two seeds do** here ({rank}; seeds {low} to {high})",
        "agree_less": "They agree **less than two seeds do** here ({rank}; seeds {low} to {high})",
        "agree_more": "They agree **more than two seeds do** here ({rank}; seeds {low} to {high})",
        "course_less": "{here}; less at {count} of {of} depths, most of all at {layer}.",
        "course_all": "{here}, and at all depths less, most of all at {layer}.",
        "course_none": "{here}, and nowhere less.",
        "yardstick": "Grey: how far two trainings of one recipe that differ by luck alone agree, 8 of 10 times, "
        "on {count} test pictures.",
        "no_yardstick": "They agree with rank correlation {rank} here. There is **no yardstick** for that: it is "
        "not measured "
        "how far two trainings of one recipe agree by this rule.",
        "no_yardstick_title": "No yardstick: how far two trainings of one recipe agree by this rule is not measured.",
        "dead": "Channels dead here: {left_share} {left}, {right_share} {right}.",
        # about
        "about_what": "Two classifiers that differ in one thing, the optimizer for example, look at your photo. "
        "For every layer "
        "of both, the page shows where in the picture the evidence for a class lies, pairs layers by depth, and says "
        "how far the two agree.",
        "about_read": "How to read it",
        "about_points": [
            "A map shows where a layer holds evidence for the explained class: yellow much, violet little, none "
            "where the "
            "photo shows through. Each map has its own scale; “map” shows its true cells, “what it saw” the squashed "
            "picture that went in.",
            "One scrubber moves through both models from the first layer to the last. The blue curve is "
            "Spearman's rank "
            "correlation of the two maps: 1 the same order of places, 0 unrelated.",
            "The grey band is the yardstick: how far two trainings of one recipe agree that differ by luck alone "
            "(8 of 10 "
            "test pictures lie in it). Only what lies outside of it says something about the two models.",
            "The difference divides each map by its own sum first: red where the left model has more of its heat, blue "
            "where the right one has.",
            "With “predicted”, both models are asked about one class, the one with the higher mean probability. "
            "Maps of "
            "different classes would differ by construction.",
            "A map shows what a model responds to, not why, and no map proves that a model is right.",
        ],
        "about_keys": "Keys: ← → Home End move, O M S choose what to show, + − 0 zoom. Ctrl and wheel, a double "
        "click or two "
        "fingers zoom, too.",
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
        "about_problems": "Passed over, because they cannot be used:",
        "about_rules": "Rules",
        "about_rules_text": "Aₖ is channel k of a layer, Gₖ the gradient of the explained score there, ⊙ place by "
        "place.",
        "about_privacy": "Privacy",
        "about_privacy_text": "Your photo goes to the server that runs this page, and nowhere else. It is read, "
        "answered with "
        "maps, and deleted within {minutes} minutes, or when the server stops. There are no cookies of ours, no "
        "statistics, and no requests to other hosts.",
        "about_sources": "Sources",
        "about_sources_text": "The example photographs:",
        "about_api": "For programs",
        "about_api_text": "The same answer, as JSON, by gradio_client:",
        # errors
        "no_picture": "Choose a photo first.",
        "gone": "This photo is no longer on the server; please drop it again.",
        "unknown_example": "There is no example of that name.",
        "unknown_model": "There is no model {asked!r}. There are: {known}.",
        "other_classes": "These two models tell different classes apart; choose two that know the same ones.",
        "unknown_rule": "There is no rule {asked!r}. There are: {known}.",
        "unknown_target": "Neither “predicted” nor a class of these models: {asked!r}. There are: {known}.",
        "not_uploaded": "Only pictures that were uploaded here are read.",
        "malformed": "This request cannot be understood.",
        "model_fails": "{title} cannot be loaded: {reason}",
        "start_fails": "The models cannot be loaded; whoever runs this page finds the reason in its log.",
        "internal": "Something went wrong on the server; please try again, or take another photo.",
    }
}


def say(key: str, **facts: object) -> str:
    """A sentence with its names filled in."""
    return TEXTS[LANGUAGE][key].format(**facts)


def labels() -> dict[str, str]:
    """What the browser needs to say by itself."""
    return TEXTS[LANGUAGE]["labels"]


def points() -> list[str]:
    """How to read the page, point by point."""
    return TEXTS[LANGUAGE]["about_points"]


def columns() -> list[str]:
    """Heads of the table of models."""
    return TEXTS[LANGUAGE]["about_columns"]
