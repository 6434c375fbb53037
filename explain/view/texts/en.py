"""English."""

from typing import Any

TEXTS: dict[str, Any] = {
    "view_labels": {
        "close": "Close",
        "previous": "Previous",
        "next": "Next",
        "in_words": "In words",
        "scrub_panel": "Depth, rule and drawing",
        "scrubber": "Depth in all models",
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
        "cost_title": "{milliseconds} ms of it in the models; the rest is reading, comparing, packing, "
        "and loading a model that was not there yet",
        "shallow": "shallow",
        "deep": "deep",
        "rank": "rank correlation {rank}",
        "overlap": " · hottest fifths overlap {percent} %",
        "no_agreement": "no agreement to measure: a map is the same everywhere",
        "slider": "{place} of {count}: {first} and {second}, agreement {rank}",
        "slider_band": "{place} of {count}: {first} and {second}, agreement {rank}, two seeds on test pictures "
        "{low} to {high}",
        "go": "Go to {layer}",
        "alt_overlay": "The photo, with the model's heat over it",
        "alt_map": "The model's heat alone, cell by cell",
        "alt_saw": "The photo as the model saw it",
        "alt_difference": "The photo, with the difference of the two maps over it",
        "saw": "what it saw",
        "zero": "zero everywhere",
        "heat": "{percent} % of its peak",
        "difference": "red: more in {first} · blue: more in {second} · full colour: {limit}× even heat",
        "difference_short": "red {first} · blue {second} · full:\N{NO-BREAK SPACE}{limit}×",
        "difference_title": "Full colour: a difference of {limit} times the heat that an even spread would "
        "put everywhere, or more",
        "no_difference": "no difference: a map is zero",
        "apart": "No difference picture and no number: the two maps explain different classes.",
        "slider_apart": "{place} of {count}: {first} and {second}; the two maps explain different classes",
        "right": "{name}\N{NO-BREAK SPACE}✓",
        "row_alike": "alike to {reference}",
        "row_reference": "the others are held against it",
        "row_apart": "explains another class",
        "slider_row": "{place} of {count}, {percent} % of the depth; agreement with {reference}: {alike}",
        "features": "{name}: feature maps here, most important first ({count} of {of})",
        "channel": "Channel {channel}",
        "enlarge": "Enlarge channel {channel}",
        "enlarged": "{name}, {layer}, channel {channel}",
        "enlarged_text": "{place} of {count} (of {of}) · from {low} to {high} · importance {importance}",
    },
    "name": "Two Minds",
    "colours": {
        "viridis": "viridis",
        "magma": "magma",
        "cividis": "cividis",
        "jet": "classic",
    },
    # numbers
    "percent": "{value}\N{NO-BREAK SPACE}%",
    "above": ">\N{NO-BREAK SPACE}99.9\N{NO-BREAK SPACE}%",
    "below": "<\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}%",
    # the models
    "weights": "{count} M weights",
    "input": "{height} × {width} px",
    "accuracy": "{value}\N{NO-BREAK SPACE}%",
    "accuracy_interval": "{value}\N{NO-BREAK SPACE}% ±\N{NO-BREAK SPACE}{half}",
    "accuracy_title": "Share of right answers on {count} test pictures it never saw",
    "accuracy_title_interval": "Share of right answers on {count} test pictures it never saw; 95 % interval "
    "{low} to {high} %",
    "nth_model": "model {place}",
    "layer_top": "last features",
    "legend_seeds": "agreement of the two maps, by depth (grey: two seeds of one recipe, on test pictures)",
    "legend_seeds_short": "agreement (grey: two seeds)",
    "legend_none_short": "agreement (no yardstick)",
    "legend_none": "agreement of the two maps, by depth (no yardstick)",
    "explained": "explained: {name}",
    "explained_own": "explained: each model's own answer",
    "evidence_for": "evidence for {name}",
    "legend_apart": "agreement of the two maps, by depth (dashed: they explain different classes)",
    "legend_apart_short": "agreement (dashed: different classes)",
    "apart_title": "Maps of different classes differ whatever the models look at, so their agreement has no number "
    "and no yardstick.",
    # notes of the reader, by code
    "notes": {
        "first-frame": "This file holds several pictures; this is the first.",
        "shrunk": "The photo was made smaller before the models saw it.",
        "stretched": "The values of this file have no usual range; they were stretched from least to greatest.",
    },
    # in words
    "same_class": "Both say **{name}** ({first_share} and {second_share}).",
    "same_class_unsure": "Both say **{name}**; {unsure} is less sure ({share}, {other} {other_share}).",
    "other_class": "They disagree: {first} says **{first_name}** ({first_share}), {second} **{second_name}** "
    "({second_share}).",
    "rate": "Of {population} that it is as sure of, {side} gets at least {rate} right.",
    "rate_each": "Of {population} that each is as sure of, it gets at least {rate} right.",
    "rates": "Of {population} that each is as sure of, {side} gets at least {rate} right, {other} {other_rate}.",
    # what rates and yardsticks were measured on, by name of the data set; None: any other
    "populations": {
        "cats-dogs": "test photos of cats and dogs",
        "cifar-100": "test pictures of CIFAR-100",
        None: "pictures of the test split",
    },
    "rate_row": "Of {population} that each is as sure of, {sides} get at least {rate} right each.",
    "wrong": "**{sides} is more likely wrong than right**: of {population} that it is as sure of, it gets at most "
    "{rate} right.",
    "wrong_each": "**More likely wrong than right**: {sides}. Of {population} that each is as sure of, none gets more "
    "than {rate} right.",
    "wrong_both": "**Both are more likely wrong than right**: of {population} that each is as sure of, neither gets "
    "more than {rate} right.",
    "wrong_all": "**All are more likely wrong than right**: of {population} that each is as sure of, none gets more "
    "than {rate} right.",
    "unlikely": "**Nothing is likely** to {sides}: the first guess has less than half of the probability, so the "
    "picture is rather something else by the model's own account.",
    "outside": "The picture shows **none of the {count} classes** that these models know.",
    # of more than two models
    "answers_same": "All {count} say **{name}** ({low} to {high}).",
    "answers_differ": "They disagree.",
    "answers_single": "**{name}**: {sides} ({low}).",
    "answers_some": "**{name}**: {sides} ({low} to {high}).",
    "own_row": "Each map shows what speaks for its own model's answer. Those for another class than {reference}'s are "
    "not held against it; with one class for all they are.",
    "closest": "Held against {reference} here, {most} is **most alike** (rank correlation {most_rank}) and {least} "
    "least ({least_rank}).",
    "closest_single": "Held against {reference} here, {most} has rank correlation {most_rank}.",
    # where the right class stands
    "truth_first": "Right: **{name}**",
    "truth_among": "Right: **{name}**, guess {place}",
    "truth_absent": "Right: **{name}**, not among these",
    "common": "Both maps explain **{name}**, the class with the higher mean probability.",
    "own": "Each map shows what speaks for its own model's answer: **{first}** and **{second}**. Maps of different "
    "classes are not held against each other; with one class for both they are.",
    "peaks_same": "Here the heat of both peaks **within a cell of the same place**",
    "peaks_apart": "Here their heat peaks at **different places**",
    "spread_alike": "{peaks} and spreads over about as much of the picture ({first_share} and {second_share}).",
    "spread_wider_same": "{peaks}, but {wider}'s spreads over **{ratio}\N{NO-BREAK SPACE}×** the area.",
    "spread_wider_apart": "{peaks}, and {wider}'s spreads over **{ratio}\N{NO-BREAK SPACE}×** the area.",
    "heat_one": "{side} has no peak here: its map is the same everywhere.",
    "heat_both": "Neither has a peak here: both maps are the same everywhere.",
    "zero_one": "{side}'s map is **zero everywhere** here: nothing at this depth speaks for {name} by this rule.",
    "zero_both": "Both maps are **zero everywhere** here: nothing at this depth speaks for {name} by this rule.",
    "agree_within": "They agree here **as two seeds do** on 8 of 10 {population} ({rank}; seeds {low} to {high})",
    "agree_less": "They agree here **less than two seeds do** on 9 of 10 {population} ({rank}; seeds {low} to {high})",
    "agree_more": "They agree here **more than two seeds do** on 9 of 10 {population} ({rank}; seeds {low} to {high})",
    "course_none": "{here}. Below the seeds' band nowhere.",
    "course_less": "{here}. Below the seeds' band at {count} of {of} depths, **more than two seeds are** on 9 of 10 of "
    "those; most of all at {layer}.",
    "course_luck": "{here}. Below the seeds' band at {count} of {of} depths, no more than luck there.",
    "course_some": "{here}. Below the seeds' band at {count} of {of} depths, most of all at {layer}.",
    "yardstick": "Grey: how far two trainings of one recipe that differ by luck alone agree on maps of the true class: "
    "at each depth, on 8 of 10 of {count} {population}.",
    "yardstick_wider": "Grey: how far two trainings of one recipe that differ by luck alone agree on maps of the true "
    "class: at each depth, on at least 8 of 10 of {count} {population} (the widest of {pairs} such pairs).",
    "no_yardstick": "They agree with rank correlation {rank} here. There is **no yardstick** for that: it is "
    "not measured how far two trainings of one recipe agree on such maps.",
    "no_yardstick_title": "No yardstick: how far two trainings of one recipe agree on such maps is not measured.",
    "no_yardstick_neither": "They agree with rank correlation {rank} here. There is **no yardstick** for that: how far "
    "two trainings of one recipe agree was measured on {population}, and this picture is none of those.",
    "no_yardstick_neither_title": "No yardstick: how far two trainings of one recipe agree was measured on "
    "{population}, and this picture is none of those.",
    "dead": "Channels dead here: {first_share} {first}, {second_share} {second}.",
}
