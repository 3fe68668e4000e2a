"""The choice of columns to read, which appears once a table was uploaded: its components and handlers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import gradio as gr

from retriever.documents.document import TableColumns
from retriever.errors import RetrieverError
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.watching import result_of
from ui.render.controls import LATEST, Updates, Values
from ui.render.errors import report_errors
from ui.uploads.parse import is_table, read_column_names

MAX_OFFERED_NAME = 100  # characters: a header that is a whole paragraph is not one


@dataclass(frozen=True, eq=False)
class ColumnControls:
    """The components that say which columns of uploaded tables are read."""

    row: gr.Row
    text: gr.Dropdown
    title: gr.Dropdown

    @property
    def inputs(self) -> set[gr.Dropdown]:
        """The components whose values say which columns are read."""
        return {self.text, self.title}

    def chosen(self, values: Values) -> TableColumns:
        """Return the columns that the controls say."""
        return TableColumns(tuple(values[self.text] or ()), values[self.title] or "")

    async def offer(self, files: Sequence[str] | None) -> Updates:
        """Offer the columns of the uploaded tables, or hide the choice if there is none among the files.

        A table that cannot be read is told of when it is built; until then its columns may be typed.
        """
        paths = list(files or ())
        if not any(map(is_table, paths)):
            return self._show([], visible=False)
        job = BUILD_QUEUE.submit(Job(partial(read_column_names, paths), kind="columns"))
        try:
            names = await result_of(job)
        except RetrieverError:
            names = []
        return self._show([name for name in names if len(name) <= MAX_OFFERED_NAME], visible=True)

    def _show(self, names: list[str], *, visible: bool) -> Updates:
        return {
            self.row: gr.update(visible=visible),
            self.text: gr.update(choices=names, value=[]),
            self.title: gr.update(choices=names, value=None),
        }


def build_column_controls(files: gr.File) -> ColumnControls:
    """Create the controls, hidden, and let them follow the uploaded files."""
    with gr.Row(visible=False) as row:
        text = gr.Dropdown(
            [],
            value=[],
            multiselect=True,
            allow_custom_value=True,
            label="Columns to read",
            info="Of tables, before Build. None chosen: the column “text” if there is one, else all.",
            min_width=210,
        )
        title = gr.Dropdown(
            [],
            value=None,
            allow_custom_value=True,
            label="Column of titles",
            info="Shown above a hit, and read by the model before the text.",
            min_width=210,
        )
    controls = ColumnControls(row, text, title)
    files.change(report_errors(controls.offer), files, [row, text, title], **LATEST)
    return controls
