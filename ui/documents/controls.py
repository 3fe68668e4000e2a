"""The controls of the Documents tab: which documents, which model, which chunks and which graph."""

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from retriever.chunking.chunker import default_chunk_size
from retriever.documents.loading import ALSO, FORMATS
from retriever.encoders.catalogue import MODELS, ModelCard, model_card
from retriever.indexing.collection import IndexSettings
from ui.documents.columns import ColumnControls, build_column_controls
from ui.documents.job import CHUNKED_SAMPLE, PASTE, SAMPLE, SAVED, SOURCES, UPLOAD
from ui.inputs import SLIDER_EF_CONSTRUCTION, SLIDER_M
from ui.jobs.shared_samples import SAMPLE_TITLES
from ui.render.controls import GRAPH_PRESETS, Updates
from ui.render.definitions import first_sentence
from ui.render.html import HINT
from ui.render.limits import paste_limits, saved_limits, upload_limits
from ui.settings import limits

MAX_CHUNK_SIZE = 512  # tokens; the slider's maximum if the model has no limit
FILES_HINT = (
    f"Files ending in {', '.join(ALSO)} are read too. Of a Word file, notes follow the paragraph that refers to them, "
    "and headers and footers come once, at the end; comments and tracked deletions are left out."
)


@dataclass(frozen=True, eq=False)
class BuildControls:
    """The components that say what is built, and the handlers with which they update one another.

    columns: source -> the column of its component, of which one is shown.
    """

    source: gr.Radio
    columns: Mapping[str, gr.Column]
    sample: gr.Dropdown
    files: gr.File
    table_columns: ColumnControls
    text: gr.Textbox
    saved: gr.File
    model: gr.Dropdown
    chunk_size: gr.Slider
    chunk_overlap: gr.Slider
    preset: gr.Radio
    M: gr.Slider
    ef_construction: gr.Slider

    @property
    def inputs(self) -> set[Block]:
        """The components whose values say what is built."""
        sources = {self.source, self.sample, self.files, self.text, self.saved, *self.table_columns.inputs}
        return {*sources, self.model, self.chunk_size, self.chunk_overlap, self.M, self.ef_construction}

    @property
    def shown(self) -> list[Block]:
        """The components that show_built updates."""
        source = [self.source, *self.columns.values(), self.sample, self.model]
        return [*source, self.chunk_size, self.chunk_overlap, self.preset, self.M, self.ef_construction]

    def show_source(self, source: str) -> Updates:
        """Show only the component of the chosen source."""
        return {column: gr.update(visible=name == source) for name, column in self.columns.items()}

    def fit_model(self, model_name: str, chunk_size: int | None = None) -> Updates:
        """Adapt the chunk slider to a model, its default size unless one is given, and show the model's description."""
        card = model_card(model_name)
        largest, usual = card.max_tokens or MAX_CHUNK_SIZE, default_chunk_size(card)
        return {
            self.chunk_size: gr.update(maximum=largest, value=chunk_size or usual),
            self.model: gr.update(value=model_name, info=describe_model(card)),
        }

    def show_built(self, settings: IndexSettings, sample: str) -> Updates:
        """Show how what is loaded was built; sample: its name, or empty for what is not a sample.

        Of the visitor's own documents only the graph is shown: where they came from is still chosen above it.
        """
        graph = settings.M, settings.ef_construction
        shown: Updates = {self.M: graph[0], self.ef_construction: graph[1], self.preset: name_preset(*graph)}
        if not sample:
            return shown
        size = settings.chunk_size if sample == CHUNKED_SAMPLE else None
        shown |= {self.source: SAMPLE, self.sample: sample, self.chunk_overlap: settings.chunk_overlap}
        return {**shown, **self.show_source(SAMPLE), **self.fit_model(settings.model_name, size)}

    def set_preset(self, name: str) -> Updates:
        """Set M and efConstruction to those of a preset."""
        M, ef_construction = GRAPH_PRESETS[name]
        return {self.M: M, self.ef_construction: ef_construction}


def name_preset(M: float, ef_construction: float) -> str | None:
    """Return the preset with these settings, or None."""
    return next((name for name, settings in GRAPH_PRESETS.items() if settings == (int(M), int(ef_construction))), None)


def describe_model(card: ModelCard) -> str:
    """Return a description of a model in one line."""
    limit = f"reads up to {card.max_tokens} tokens" if card.max_tokens else "reads texts of any length"
    source = "works offline" if card.packaged else "fetched from the Hugging Face Hub when first used"
    return f"{card.trained_on} {card.dimension} dimensions, {limit}, {card.megabytes} MB, {source}."


def create_controls() -> BuildControls:
    """Create the controls."""
    source, columns, sample, files, table_columns, text, saved = _create_sources()
    default = IndexSettings()
    card = model_card(default.model_name)
    model = gr.Dropdown(list(MODELS), value=card.name, label="Embedding model", info=describe_model(card))
    with gr.Row():
        largest, usual = card.max_tokens or MAX_CHUNK_SIZE, default_chunk_size(card)
        info = "Longer texts are cut into pieces."
        size = gr.Slider(32, largest, usual, step=1, label="Chunk size (tokens)", min_width=210, info=info)
        info = "What a piece repeats of the last."
        overlap = gr.Slider(0, 100, 0, step=1, label="Overlap (tokens)", min_width=210, info=info)
    info = "M/efConstruction: starved shows what a poor graph costs, rich what a good one takes to build."
    preset = gr.Radio(list(GRAPH_PRESETS), value=next(iter(GRAPH_PRESETS)), label="Graph", info=info)
    with gr.Row():
        info = first_sentence("M")
        M = gr.Slider(*SLIDER_M, default.M, step=1, label="M (links)", min_width=210, info=info)
        info = first_sentence("efConstruction")
        ef_construction = gr.Slider(
            *SLIDER_EF_CONSTRUCTION, default.ef_construction, step=10, label="efConstruction", min_width=210, info=info
        )
    return BuildControls(
        source, columns, sample, files, table_columns, text, saved, model, size, overlap, preset, M, ef_construction
    )


def _create_sources() -> tuple[
    gr.Radio, dict[str, gr.Column], gr.Dropdown, gr.File, ColumnControls, gr.Textbox, gr.File
]:
    """Create the choice of source, the columns of the sources, and the component in each."""
    source = gr.Radio(list(SOURCES), value=SAMPLE, label="Documents", info="Where the documents come from.")
    with gr.Column(visible=True) as of_sample:
        choices = [(title, name) for name, title in SAMPLE_TITLES.items()]
        info = (
            "On the Python docs the trade-off shows. The large ones are for wordllama-256: MiniLM takes many minutes."
        )
        sample = gr.Dropdown(choices, value="documents", label="Sample", info=info)
    with gr.Column(visible=False) as of_files:
        label = f"Drop files here: {' '.join(FORMATS)}"
        files = gr.File(file_count="multiple", type="filepath", label=label, height=150)
        gr.HTML(HINT.format(upload_limits(limits())))
        gr.HTML(HINT.format(FILES_HINT))
        table_columns = build_column_controls(files)
    with gr.Column(visible=False) as of_text:
        info = paste_limits(limits())
        text = gr.Textbox(label="Text", info=info, lines=6, max_lines=6, placeholder="Paste some paragraphs here.")
    with gr.Column(visible=False) as of_saved:
        saved = gr.File(file_types=[".zip"], type="filepath", label="A collection.zip saved from this page", height=150)
        gr.HTML(HINT.format(saved_limits(limits())))
    columns = {SAMPLE: of_sample, UPLOAD: of_files, PASTE: of_text, SAVED: of_saved}
    return source, columns, sample, files, table_columns, text, saved
