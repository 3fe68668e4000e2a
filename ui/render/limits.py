"""The limits in words: how much a visitor may load, and a table of all limits of a visitor and of the lab."""

from ui.render.html import Html, render
from ui.settings import Limits


def upload_limits(allowed: Limits) -> str:
    """Return how much one visitor may upload."""
    return (
        f"At most {allowed.files:,} files, {allowed.file_megabytes:,} MB each and {allowed.total_megabytes:,} MB "
        f"together, {allowed.pages:,} pages a PDF, {allowed.chunks:,} chunks. They are deleted once they are read."
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
        f"{allowed.chunks:,} passages and {allowed.questions:,} questions."
    )


def limits_table(allowed: Limits) -> Html:
    """Return all limits as a table: how much, and of what."""
    return render("limits.html", limits=allowed, fields=Limits.model_fields)
