"""The Documents tab: take a sample, upload files, paste text or load a saved collection, and build it."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from retriever.chunking.chunker import default_chunk_size
from retriever.documents.loading import ACCEPTED_SUFFIXES
from retriever.encoders.catalogue import MODELS, ModelCard, model_card
from retriever.errors import Cancelled, RetrieverError
from retriever.indexing.collection import IndexSettings
from retriever.progress import ignore_progress
from retriever.storage.archive import pack_folder
from ui.documents.job import plan_build
from ui.documents.records import build_record
from ui.documents.request import SAMPLE, SOURCES, BuildRequest, build_request
from ui.documents.text import build_report, chunk_table
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job, watch
from ui.jobs.memory_budget import collection_bytes
from ui.jobs.progress_text import progress_bar
from ui.jobs.shared_samples import SAMPLE_TITLES, SharedSamples
from ui.render.controls import GRAPH_PRESETS, HIDDEN, UNQUEUED
from ui.render.errors import report_errors, report_stream_errors
from ui.render.export import folded_record
from ui.render.limits import limits_table, paste_limits, saved_limits, upload_limits
from ui.render.numbers import format_megabytes
from ui.session import Session
from ui.settings import limits
from ui.uploads.folder import check_disk_room, new_upload_folder

MAX_CHUNK_SIZE = 512  # tokens; the slider's maximum if the model has no limit

BuildStep = tuple[Any, str, Any, Any]  # session, progress, report, chunks; or Gradio's "no change"


@dataclass(frozen=True)
class DocumentsTab:
    """Components of the Documents tab that page.py links.

    controls: the inputs of a build. built and cancelled: the events that build, and that cancel. report: the report of
    what is loaded, and its chunks.
    """

    controls: list[gr.Component]
    built: gr.events.Dependency
    cancelled: gr.events.Dependency
    report: list[gr.Component]


def stream_build(request: BuildRequest, session: Session, shared_samples: SharedSamples) -> Iterator[BuildStep]:
    """Build a collection; yield the progress, and in the last step the new session.

    The session is written in the first and the last step only, so that what the visitor does on other tabs stays.
    """
    if session.job is not None and not session.job.wait(0):
        session.job.cancel()  # a second click restarts
    planned = plan_build(request, session, shared_samples)
    job = Job(planned.work, kind="build").start()
    written: Any = replace(session, job=job, chosen=True)
    # a visitor who has chosen nothing so far goes on getting samples
    unchanged = gr.skip() if session.chosen else replace(session, job=None)
    try:
        for status in watch(job):
            yield written, progress_bar(status), gr.skip(), gr.skip()
            written = gr.skip()
        indexed = job.result()
    except Cancelled:
        yield (
            unchanged,
            '<p class="lab-hint">Cancelled. What was loaded before is unchanged.</p>',
            *loaded_report(session),
        )
        return
    except RetrieverError:
        yield unchanged, '<p class="lab-hint">Nothing was built.</p>', gr.skip(), gr.skip()
        raise
    done = session.with_collection(indexed, planned.source)
    yield done, '<p class="lab-hint">Done: now ask it something in the next tab.</p>', *loaded_report(done)


def cancel_build(session: Session) -> str:
    """Ask the running build to stop, and return a message."""
    if session.job is None or session.job.wait(0):
        return '<p class="lab-hint">No build is running.</p>'
    session.job.cancel()
    return '<p class="lab-hint">Cancelling: the step under way is finished first …</p>'


def loaded_report(session: Session) -> tuple[str, str]:
    """Return the report of the loaded collection, with its run record, and its chunks."""
    if session.indexed is None:
        return '<p class="lab-hint">Nothing is loaded yet.</p>', ""
    return build_report(session.indexed) + folded_record(build_record(session.indexed)), chunk_table(session.indexed)


def show_source(source: str) -> tuple[dict[str, Any], ...]:
    """Show only the controls of the chosen source."""
    return tuple(gr.update(visible=source == name) for name in SOURCES)


def fit_chunk_slider(model_name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Adapt the chunk slider to a model, and show the model's description."""
    card = model_card(model_name)
    largest = card.max_tokens or MAX_CHUNK_SIZE
    return gr.update(maximum=largest, value=default_chunk_size(card)), gr.update(info=describe_model(card))


def describe_model(card: ModelCard) -> str:
    """Return a description of a model in one line."""
    limit = f"reads up to {card.max_tokens} tokens" if card.max_tokens else "reads texts of any length"
    source = "works offline" if card.packaged else "fetched from the Hugging Face Hub when first used"
    return f"{card.trained_on} {card.dimension} dimensions, {limit}, {card.megabytes} MB, {source}."


def set_preset(name: str) -> tuple[int, int]:
    """Return a preset's M and efConstruction."""
    return GRAPH_PRESETS[name]


def name_preset(M: float, ef_construction: float) -> str | None:
    """Return the preset with these settings, or None."""
    return next((name for name, settings in GRAPH_PRESETS.items() if settings == (int(M), int(ef_construction))), None)


def save_collection(session: Session) -> dict[str, Any]:
    """Write the loaded collection as a zip and show its download button."""
    indexed = session.loaded()
    with BUILD_QUEUE.place(ignore_progress), tempfile.TemporaryDirectory() as folder:
        check_disk_room(collection_bytes(indexed))
        indexed.save(folder)
        target = new_upload_folder() / "collection.zip"  # deleted when it is ten minutes old
        pack_folder(folder, target)
    written = format_megabytes(target.stat().st_size)
    return gr.update(value=str(target), label=f"Download collection.zip ({written})", visible=True)


def build_documents_tab(session: gr.State, shared_samples: SharedSamples) -> DocumentsTab:
    """Create the tab's components and connect their event listeners."""
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            source, groups, inputs = _source_controls()
            model, size, overlap, preset, M, ef_construction = _index_controls()
        with gr.Column(scale=6, min_width=320):
            with gr.Row():
                start = gr.Button("Build", variant="primary", scale=3)
                stop = gr.Button("Cancel", scale=1, min_width=100)
            progress = gr.HTML('<p class="lab-hint">Choose documents on the left and press <b>Build</b>.</p>')
            shown_report = gr.HTML()
            with gr.Row():
                save = gr.Button("Save this collection …", size="sm")
                link = gr.DownloadButton("Download", visible=False, size="sm")
            with gr.Accordion("Look at the chunks", open=False):
                shown_chunks = gr.HTML()
            with gr.Accordion("Limits of this lab", open=False):
                gr.HTML(limits_table(limits()))
    controls = [source, *inputs, model, size, overlap, M, ef_construction]

    def run(*values: Any) -> Iterator[BuildStep]:  # noqa: ANN401 - the values of all controls, then the session
        *chosen, current = values
        yield from stream_build(build_request(*chosen), current, shared_samples)

    source.input(show_source, source, groups, **HIDDEN)
    model.input(fit_chunk_slider, model, [size, model], **HIDDEN)
    preset.input(set_preset, preset, [M, ef_construction], **HIDDEN)
    gr.on(
        [M.input, ef_construction.input],
        name_preset,
        [M, ef_construction],
        preset,
        **HIDDEN,
    )
    built = start.click(
        report_stream_errors(run),
        [*controls, session],
        [session, progress, shown_report, shown_chunks],
        **HIDDEN,  # without a limit: the build queue has its own order
    )
    cancelled = stop.click(cancel_build, session, progress, **UNQUEUED)
    save.click(report_errors(save_collection), session, link, api_visibility="private")
    return DocumentsTab(controls, built, cancelled, [shown_report, shown_chunks])


def _source_controls() -> tuple[gr.Radio, list[gr.Column], list[gr.Component]]:
    """Create the controls of the sources; return the choice of source, its columns and the inputs in them."""
    source = gr.Radio(list(SOURCES), value=SAMPLE, label="Documents", info="Where the documents come from.")
    with gr.Column(visible=True) as of_sample:
        choices = [(title, name) for name, title in SAMPLE_TITLES.items()]
        info = (
            "On the Python docs the trade-off shows. The large ones are for wordllama-256: MiniLM takes many minutes."
        )
        sample = gr.Dropdown(choices, value="documents", label="Sample", info=info)
    with gr.Column(visible=False) as of_files:
        label = f"Drop files here: {' '.join(ACCEPTED_SUFFIXES)}"
        files = gr.File(file_count="multiple", type="filepath", label=label, height=150)
        gr.HTML(f'<p class="lab-hint">{upload_limits(limits())}</p>')
    with gr.Column(visible=False) as of_text:
        info = paste_limits(limits())
        pasted = gr.Textbox(label="Text", info=info, lines=6, max_lines=6, placeholder="Paste some paragraphs here.")
    with gr.Column(visible=False) as of_saved:
        saved = gr.File(file_types=[".zip"], type="filepath", label="A collection.zip saved from this page", height=150)
        gr.HTML(f'<p class="lab-hint">{saved_limits(limits())}</p>')
    return source, [of_sample, of_files, of_text, of_saved], [sample, files, pasted, saved]


def _index_controls() -> tuple[gr.Dropdown, gr.Slider, gr.Slider, gr.Radio, gr.Slider, gr.Slider]:
    """Create the controls of how documents are indexed: model, chunks and graph."""
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
        info = "Links a node keeps: more find more."
        M = gr.Slider(2, 64, default.M, step=1, label="M (links)", min_width=210, info=info)
        info = "Candidates weighed to link a node."
        ef_construction = gr.Slider(
            10, 800, default.ef_construction, step=10, label="efConstruction", min_width=210, info=info
        )
    return model, size, overlap, preset, M, ef_construction
