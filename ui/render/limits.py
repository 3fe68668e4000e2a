"""The limits in words: how much a visitor may load, and a table of all limits of a visitor and of the lab."""

from ui.render.html import Html, render
from ui.render.numbers import count_of
from ui.settings import Limits


def upload_limits(allowed: Limits) -> str:
    """Return how much one visitor may upload."""
    pages, chunks = count_of(allowed.pages, "page"), count_of(allowed.chunks, "chunk")
    return (
        f"At most {count_of(allowed.files, 'file')}, {allowed.file_megabytes:,} MB each and "
        f"{allowed.total_megabytes:,} MB together, {pages} a PDF, {chunks}. They are deleted once they are read."
    )


def paste_limits(allowed: Limits) -> str:
    """Return how much text may be pasted."""
    return f"Any text, at most {allowed.paste_megabytes:,} MB; it becomes one document."


def saved_limits(allowed: Limits) -> str:
    """Return how large a saved collection may be."""
    return f"At most {allowed.saved_megabytes:,} MB zipped and {allowed.unpacked_megabytes:,} MB unpacked."


def judged_limits(allowed: Limits) -> str:
    """Return how large a judged collection may be."""
    return (
        f"At most {allowed.total_megabytes:,} MB zipped, {allowed.unpacked_megabytes:,} MB unpacked, "
        f"{count_of(allowed.chunks, 'passage')} and {count_of(allowed.questions, 'question')}."
    )


def limits_table(allowed: Limits) -> Html:
    """Return all limits as a table: how much, and of what."""
    return render("limits.html", limits=allowed, fields=Limits.model_fields)
