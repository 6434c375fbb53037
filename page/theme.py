"""Gradio's theme for the little that Gradio draws itself: tabs, toasts, footer. The rest is in view/."""

import gradio as gr

FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "DejaVu Sans", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]


def theme() -> gr.themes.Base:
    """Local fonts alone: nothing is fetched from another host."""
    return gr.themes.Base(font=FONT, font_mono=MONO, primary_hue="indigo", neutral_hue="gray")
