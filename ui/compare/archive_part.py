"""The choice of a part of an uploaded archive, which appears if it has several: its component and handlers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import gradio as gr

from retriever.errors import RetrieverError
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.watching import result_of
from ui.render.controls import EACH, Updates
from ui.render.errors import report_errors
from ui.uploads.parse import read_archive_parts

SEPARATOR = ":"  # between a collection and a split; in no name of an archive that is taken
MAX_OFFERED = 500  # parts


@dataclass(frozen=True, eq=False)
class ArchivePart:
    """The component that says which collection of an archive is read, and which split of its judgments."""

    choice: gr.Dropdown

    async def offer(self, archive: str | None) -> Updates:
        """Offer the parts of an uploaded archive if it has several: one of several collections must be chosen.

        An archive that cannot be read is told of when it is compared.
        """
        parts: dict[str, list[str]] = {}
        if archive:
            job = BUILD_QUEUE.submit(Job(partial(read_archive_parts, archive), kind="parts"))
            try:
                parts = await result_of(job)
            except RetrieverError:
                parts = {}
        choices = part_choices(parts)
        first = choices[0][1] if len(parts) == 1 else None
        several = len(choices) > 1
        return {self.choice: gr.update(choices=choices, value=first if several else None, visible=several)}


def part_choices(parts: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return the choices of an archive's parts: what is shown of each, and its value."""
    several, choices = len(parts) > 1, []
    for collection, splits in parts.items():
        for split in splits:
            shown = f"{collection}, split {split}" if several else f"split {split}"
            choices.append((shown, f"{collection}{SEPARATOR}{split}"))
    return choices[:MAX_OFFERED]


def chosen_part(value: str | None) -> tuple[str, str]:
    """Return the collection and the split of a choice; empty if nothing was chosen."""
    collection, _, split = (value or "").rpartition(SEPARATOR)
    return collection, split


def build_archive_part(archive: gr.File) -> ArchivePart:
    """Create the component, hidden, and let it follow the uploaded archive."""
    info = "It holds several: choose whose documents and questions are compared, and which judgments count."
    part = ArchivePart(gr.Dropdown([], value=None, label="Part of the archive", info=info, visible=False))
    archive.change(report_errors(part.offer), archive, part.choice, **EACH)
    return part
