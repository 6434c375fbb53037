"""English."""

from typing import Any

TEXTS: dict[str, Any] = {
    "view_labels": {
        "close": "Close",
        "previous": "Previous",
        "next": "Next",
        "explain": "What this means",
        "in_words": "In words",
        "scrub_panel": "Layer by layer",
        "scrubber": "Layer, in all models",
        "tools": "More controls",
        "opacity": "Opacity",
        "colours": "Colours",
        "little": "little",
        "much": "much",
        "show": "What to show",
        "mode_overlay": "overlay",
        "mode_map": "map",
        "mode_features": "features",
        "mode_saw": "what it saw",
        "mode_keys": "omfs",
        "zoom": "Zoom",
        "zoom_in": "Zoom in",
        "zoom_out": "Zoom out",
        "zoom_reset": "Whole picture",
        "save": "Save",
        "save_picture": "Picture",
        "save_numbers": "Numbers",
        "save_page": "This comparison, works offline",
        "save_fails": "The server is needed for that, and does not answer.",
        "keys": "Keys",
        "swap_key": "b",
        "about_keys": "← → Home End: move through the layers.\nWith the focus in the comparison (click into it):\n"
        "O M F S: what to show\nhold Space, or press and hold a picture: the photo alone\n"
        "hold B: left and right change places\n+ − 0, Ctrl and wheel, double click: zoom",
        "evidence_scale": "evidence:",
        "between": "{names}: {picture}",
        "cost": "The answer took {passes} passes through the models and {seconds} s, {milliseconds} ms of it in "
        "them; the "
        "rest is reading, comparing, packing, and loading a model that was not there yet.",
        "alike": "How alike the two maps are, layer by layer",
        "alike_short": "How alike, by layer",
        "alike_row": "How alike each map is to that of {reference}, layer by layer",
        "alike_input": "How alike the two maps of the picture are",
        "alike_row_input": "How alike each map of the picture is to that of {reference}",
        "standing": "the picture · {size}",
        "about_curve_input": "This method gives one map of the whole picture, whatever the layer, so the line is "
        "level. 1: the two models find the evidence at the same places. 0: the places have nothing to do with one "
        "another. The layers are those of the features. {luck}",
        "alike_channels": "How alike the same channels are, layer by layer",
        "the_same": "the same",
        "unrelated": "unrelated",
        "no_map": "no map",
        "cells": "map size",
        "depth": "depth",
        "where": "{layer} · {size} cells",
        "luck": "(luck alone {low} to {high})",
        "numbers_title": "{title}: the numbers",
        "numbers_place": "no.",
        "numbers_layer": "layer of {name}",
        "numbers_alike": "agreement, {name}",
        "numbers_luck": "luck alone",
        "numbers_range": "{low} to {high}",
        "rank_none": "nothing to compare",
        "rank_apart": "two different answers",
        "about_rank": "Agreement {rank}: Spearman's rank correlation of the two maps. 1: all places of the picture "
        "in the "
        "same order from cold to hot. 0: unrelated. Below 0: where one is hot the other is cold. The hottest fifths of "
        "the two share {percent} % (by chance 20 %).",
        "about_rank_none": "One of the maps is zero or the same everywhere here, so there is nothing to compare.",
        "about_rank_channels": "The middle one of all channels' correlations: half of the channels are more alike. "
        "1: the "
        "two maps of a channel are the same but for brightness. 0: unrelated.",
        "about_curve": "Each point is a layer, from the first on the left to the last on the right. 1: the two "
        "models find "
        "the evidence at the same places. 0: the places have nothing to do with one another. Hatched: a map is zero or "
        "the same everywhere, so nothing can be compared. Hollow: below the grey. {luck}",
        "about_curve_channels": "Each point is a layer: the middle one of the correlations of all its channels. How "
        "far "
        "two trainings differ here by luck alone is not measured.",
        "about_difference": "Both maps are divided by their own sum first, so that each has as much heat in all. 1× "
        "is the "
        "heat that a map has everywhere that is spread evenly. The scale is a round number that fits this layer; what "
        "little lies beyond it has the full colour.",
        "about_heat": "Where this layer holds evidence for the class that stands on the picture. Each map has a "
        "scale of "
        "its own: the brightest place is its peak, however strong that is. Where the photo shows through there is "
        "none.",
        "about_heat_input": "Where the picture holds evidence for the class that stands on it, the same at every "
        "layer. Each map has a scale of its own: the brightest place is its peak, however strong that is. What speaks "
        "against the class is not drawn.",
        "about_channels": "A channel is one of the things that a layer looks for. Importance: how much the score of "
        "the "
        "explained class hangs on it, on this photo.",
        "slider": "{place} of {count}: {first} and {second}, agreement {rank}",
        "slider_band": "{place} of {count}: {first} and {second}, agreement {rank}, two trainings by luck alone "
        "{low} to "
        "{high}",
        "alt_overlay": "The photo, with {name}'s evidence for {target} over it",
        "alt_map": "{name}'s evidence for {target} alone, cell by cell",
        "alt_saw": "The photo as {name} saw it",
        "alt_features": "{name}'s feature maps",
        "alt_difference": "The photo, with the difference of the two maps over it",
        "saw": "what it saw · {size}",
        "zero": "{evidence}: none here",
        "heat": "{evidence} · {percent} % of its peak here",
        "difference": "Where they differ",
        "difference_more": "{limit}× more {name}",
        "difference_alike": "alike",
        "no_difference": "No difference: one of the maps is zero everywhere here.",
        "apart": "Two different answers",
        "contrast": "What sets them apart",
        "contrast_apart": "sets them apart",
        "contrast_together": "brings them together",
        "alt_contrast": "The photo, and in two colours what sets the two models apart and what brings them together",
        "about_contrast": "Why does this model say one thing and that model another? Each pixel's part in how "
        "much more the left model prefers its own answer to the right one's than the right model does: pixel times "
        "gradient, summed over cells. The strongest cells have the full colour. It holds for small changes of this "
        "photo.",
        "apart_own": "{target}: {name}",
        "alt_apart": "The photo, and in two colours where each model's evidence for its own answer is strongest",
        "about_apart": "The two models give different answers, and each picture shows what speaks for the model's "
        "own one. "
        "Coloured is the fifth of the picture in which each finds most of it. Evidence for different things is not "
        "compared, "
        "so there is no number.",
        "apart_ask": "Ask both the same:",
        "slider_apart": "{place} of {count}: {first} and {second}; the two maps explain different classes",
        "right": "{name}\N{NO-BREAK SPACE}✓",
        "row_alike": "alike to {reference}",
        "row_reference": "the others are held against it",
        "row_apart": "explains another class",
        "slider_row": "{place} of {count}, {percent} % of the depth; agreement with {reference}: {alike}",
        "channels": "Channels",
        "channels_same_in_both": "the same in both",
        "channels_most_important": "each its most important",
        "channel_number": "no. {channel}",
        "channel_alike": "alike {value}",
        "channel_silent": "silent",
        "channel_both": "Channel {channel} in both",
        "channel_single": "Channel {channel} of {name}",
        "channel_place": "{place} of {of} by importance",
        "channel_scale": "one scale for both",
        "channel_scale_single": "its scale",
        "channel_photo": "on the photo",
        "dots": "How alike all {of} channels are",
        "dots_of": "{count} of {of}, the others are silent",
        "dots_none": "All channels are silent here in one of the two.",
        "dots_less": "less alike",
        "no_features": "An ensemble has no feature maps of its own.",
        "enlarge": "Channel {channel} of {name}",
        "enlarged": "{name}, {layer}, channel {channel}",
        "enlarged_text": "{place} of {count} (of {of}) · from {low} to {high}",
    },
    "name": "Two Minds",
    "colours": {
        "viridis": "viridis",
        "magma": "magma",
        "cividis": "cividis",
        "jet": "classic",
    },
    # what classes and larger ones are called, by their names in the data sets; without such by these
    "classes": {},
    # numbers
    "percent": "{value}\N{NO-BREAK SPACE}%",
    "above": ">\N{NO-BREAK SPACE}99.9\N{NO-BREAK SPACE}%",
    "below": "<\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}%",
    # the models
    "weights": "{count} M weights",
    "input": "{height} × {width} px",
    "accuracy": "{value}\N{NO-BREAK SPACE}%",
    "accuracy_interval": "{value}\N{NO-BREAK SPACE}% ±\N{NO-BREAK SPACE}{half}",
    "accuracy_card": "right on {value}\N{NO-BREAK SPACE}% of {population}",
    "accuracy_short": "right: {value}\N{NO-BREAK SPACE}%",
    "accuracy_title": "Share of right answers on {count} test pictures it never saw.",
    "accuracy_title_interval": "Share of right answers on {count} test pictures it never saw; 95 % interval "
    "{low} to {high} %.",
    "nth_model": "model {place}",
    "layer_top": "last features",
    "legend_luck": "grey: two trainings that differ by luck alone",
    "explained": "explained: {name}",
    "explained_own": "explained: each model's own answer",
    "evidence_for": "evidence for **{name}**",
    "evidence_own": "its own answer: evidence for **{name}**",
    "evidence_other": "evidence for **{name}**; it says {says}",
    "evidence_contrast": "for **{name}** rather than {rather}",
    "evidence_finer": "for **{name}**, not its nearest others",
    "explained_contrast": "explained: each own answer rather than the other's",
    "explained_finer": "explained: each own answer, not its nearest others",
    "contrast_drawn": "The third picture, by the gradient at this photo: **red** sets the two apart (it speaks for "
    "{name} in {first} or for {other} in {second}), **blue** brings them together.",
    "contrast_nothing": "By the gradient at this photo, **no place of it** sets the two apart.",
    "contrast_maps": "Each map shows what speaks for its model's own answer and not for the other's.",
    "contrast_maps_two": "There are only two classes, so what speaks for {name} speaks against {other}: the two maps "
    "are those of each own answer.",
    "finer": "Each map shows what speaks for its model's own answer and not for the few classes that it finds nearest "
    "to it.",
    "apart_title": "Maps of different classes differ whatever the models look at, so their agreement has no number "
    "and no yardstick.",
    # notes of the reader, by code
    "notes": {
        "first-frame": "This file holds several pictures; this is the first.",
        "shrunk": "The photo was made smaller before the models saw it.",
        "stretched": "The values of this file have no usual range; they were stretched from least to greatest.",
    },
    # in words
    "same_class": "Both say **{name}**: {first} {first_share} sure, {second} {second_share}.",
    "other_class": "They disagree: {first} says **{first_name}** ({first_share} sure), {second} **{second_name}** "
    "({second_share}).",
    "other_classes_known": "They know **different classes**: {first} says **{first_name}** ({first_share} sure), "
    "{second} **{second_name}** ({second_share}).",
    "same_model": "Both sides are **the same model**.",
    "rate": "Of {population} it is as sure of, {side} gets at least {rate} right.",
    "rate_each": "Of {population} they are as sure of, each gets at least {rate} right.",
    "rates": "Of {population} they are as sure of, {side} gets at least {rate} right, {other} {other_rate}.",
    # what rates and yardsticks were measured on, by name of the data set; None: any other
    "populations": {
        "cats-dogs": "test photos of cats and dogs",
        "cifar-100": "test pictures of CIFAR-100",
        None: "pictures of the test split",
    },
    "populations_short": {"cats-dogs": "test photos", None: "test pictures"},
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
    "outside": "The picture shows **none of the {count} classes** that these models know; they can only choose "
    "among those.",
    "outside_few": "The picture shows **none of these**: the models can only choose between {classes}.",
    "either": " and ",
    # of more than two models
    "answers_same": "All {count} say **{name}** ({low} to {high}).",
    "answers_differ": "They disagree.",
    "answers_apart": "They know **different classes**.",
    "answers_single": "**{name}**: {sides} ({low}).",
    "answers_some": "**{name}**: {sides} ({low} to {high}).",
    "own_row": "Each map shows what speaks for its own model's answer. Those for another class than {reference}'s are "
    "not held against it; with one class for all they are.",
    "own_row_apart": "Each map shows what speaks for its own model's answer. Those for another class than "
    "{reference}'s are not held against it.",
    "closest": "Held against {reference} here, {most} is **most alike** (rank correlation {most_rank}) and {least} "
    "least ({least_rank}).",
    "closest_single": "Held against {reference} here, {most} has rank correlation {most_rank}.",
    # where the right class stands
    "truth_first": "Right: **{name}**",
    "truth_among": "Right: **{name}**, guess {place}",
    "truth_absent": "Right: **{name}**, not among these",
    "common": "Both maps show what speaks for **{name}**, the class with the higher mean probability.",
    "asked": "Both maps show what speaks for **{name}**, the class that was asked about.",
    "own": "Each map shows what speaks for its own model's answer. Evidence for different things is not compared.",
    "peaks_same": "At this layer both look **at the same spot**",
    "peaks_apart": "At this layer they look at **different spots**",
    "peaks_same_input": "In the picture as a whole both look **at the same spot**",
    "peaks_apart_input": "In the picture as a whole they look at **different spots**",
    "spread_alike": "{peaks}, and about as widely ({first_share} and {second_share} of the picture).",
    "spread_wider_same": "{peaks}, but {wider} at **{ratio}\N{NO-BREAK SPACE}× as much** of the picture.",
    "spread_wider_apart": "{peaks}, and {wider} at **{ratio}\N{NO-BREAK SPACE}× as much** of the picture.",
    "heat_one": "{side} looks at no place in particular here: its map is the same everywhere.",
    "heat_both": "Neither looks at a place in particular here: both maps are the same everywhere.",
    "zero_one": "{side}'s map is **zero everywhere** here: by this method, nothing at this layer speaks for {name}.",
    "zero_both": "Both maps are **zero everywhere** here: by this method, nothing at this layer speaks for {name}.",
    "zero_one_input": "{side}'s map is **zero everywhere**: by this method, nothing in the picture speaks for {name}.",
    "zero_both_input": "Both maps are **zero everywhere**: by this method, nothing in the picture speaks for {name}.",
    "incomplete": "{side}'s map leaves **{rate} of the score's rise unexplained**: its finer places are uncertain.",
    "incomplete_all": "{side}'s map **does not add up to the score's rise**: its places are uncertain.",
    "agree_within": "**No more different than luck makes two trainings** on 8 of 10 {population}",
    "agree_less": "**More different than luck makes two trainings** on 9 of 10 {population}",
    "agree_more": "**More alike than luck leaves two trainings** on 9 of 10 {population}",
    "agree_luck": "These are **two trainings of one recipe**: what differs differs by luck. On 8 of 10 {population} "
    "such two "
    "agree by {low} to {high} here.",
    "course_none": "{here}. All layers together: nowhere below luck.",
    "course_less": "{here}. All layers together: below luck at {count} of {of}, **at more than luck gives** on 9 of "
    "10 of "
    "those; most of all at {layer}.",
    "course_luck": "{here}. All layers together: below luck at {count} of {of}, still what luck gives.",
    "course_some": "{here}. All layers together: below luck at {count} of {of}, most of all at {layer}.",
    "yardstick": "Grey: how far two trainings of one recipe that differ by luck alone agree on maps of the true class: "
    "at each depth, on 8 of 10 of {count} {population}.",
    "yardstick_wider": "Grey: how far two trainings of one recipe that differ by luck alone agree on maps of the true "
    "class: at each depth, on at least 8 of 10 of {count} {population} (the widest of {pairs} such pairs).",
    "no_yardstick": "**How much of that is luck is not known**: it is not measured how far two trainings of one "
    "recipe agree "
    "on such maps.",
    "no_yardstick_title": "How much of that is luck is not known: how far two trainings of one recipe agree on such "
    "maps "
    "is not measured.",
    "no_yardstick_neither": "**How much of that is luck is not known**: two trainings of one recipe were compared on "
    "{population}, and this picture is none of those.",
    "no_yardstick_neither_title": "How much of that is luck is not known: two trainings of one recipe were compared on "
    "{population}, and this picture is none of those.",
    # of the feature maps
    "channels_what": "**Each tile is one channel**: one thing that this layer looks for. The brighter, the more of "
    "it is "
    "there.",
    "channels_same": "Both models began with the same weights, so the same tile is **the same channel**. Here they are "
    "{likeness} (correlation {typical} in the middle).",
    "channels_equal": "**all but equal**",
    "channels_alike": "**much alike**",
    "channels_partly": "**alike in part**",
    "channels_hardly": "**hardly alike**",
    "channels_silent": "Both models began with the same weights, so the same tile is **the same channel**. Here each "
    "channel is silent in one of them.",
    "channels_own": "A channel of one has **no known counterpart** in another: each shows its own most important ones.",
    "channels_none": "These models have no feature maps of their own.",
    "silent": "{first_share} ({first}) and {second_share} ({second}) of this layer's channels are silent on this "
    "photo.",
}
