"""The Documents tab: take a sample, upload files, paste text or load a saved collection, and build it."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from retriever.errors import Cancelled, RetrieverError
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.progress import Progress
from retriever.storage.archive import pack_folder
from ui.documents.chunks import ChunkBrowser, build_chunk_browser
from ui.documents.controls import BuildControls, create_controls, name_preset
from ui.documents.job import SAMPLE, BuildRequest, index_settings, plan_build
from ui.documents.milvus_choice import NOT_PUT, MilvusChoice, create_milvus_choice
from ui.documents.records import build_record
from ui.documents.text import build_report
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job, cancel_running
from ui.jobs.memory_budget import collection_bytes
from ui.jobs.progress_text import progress_bar
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import result_of, watch
from ui.milvus.copies import copy_of
from ui.milvus.server import LabMilvus
from ui.render.controls import HIDDEN, NO_CHANGE, UNQUEUED, Updates, Values, note_uploads, when_settled
from ui.render.errors import report_errors, report_stream_errors
from ui.render.export import folded_record
from ui.render.html import HINT, Html
from ui.render.limits import limits_table
from ui.render.numbers import format_megabytes
from ui.session import Session
from ui.settings import limits
from ui.uploads.folder import download_folder
from ui.uploads.parse import ParsedFiles

FIRST_STEP = HINT.format("The first sample is being prepared; you can choose other documents meanwhile.")
AS_LOADED = HINT.format("The controls say what is loaded. Change one to build something else.")
UNBUILT = HINT.format(Html("<b>Not built yet:</b> {} is still loaded. Press <b>Build</b> for what the controls say."))
NOT_LOADED = HINT.format("Nothing is loaded yet.")
NOT_RUNNING = HINT.format("No build is running.")
CANCELLING = HINT.format("Cancelling: the step under way is finished first …")
UPLOADED = HINT.format(Html("Uploaded, not read yet: press <b>Build</b>."))
CANCELLED = HINT.format("Cancelled. What was loaded before is unchanged.")
FAILED = HINT.format("Nothing was built.")
DONE = HINT.format("Done: now ask it something in the next tab.")


@dataclass(frozen=True, eq=False)
class DocumentsTab:
    """The components of the Documents tab, and the handlers that update them."""

    session: gr.State
    shared_samples: SharedSamples
    controls: BuildControls
    build: gr.Button
    cancel: gr.Button
    standing: gr.HTML  # whether the controls say what is loaded
    progress: gr.HTML
    report: gr.HTML
    save: gr.Button
    download: gr.DownloadButton
    chunks: ChunkBrowser
    shown: gr.State  # the key of what the controls were last made to show
    milvus: MilvusChoice | None = None

    @property
    def inputs(self) -> set[Block]:
        """The components that stream_build reads."""
        return {*self.controls.inputs, self.session, *([self.milvus.wanted] if self.milvus else [])}

    @property
    def refreshed(self) -> list[Block]:
        """The components that refresh updates."""
        return [self.report]

    @property
    def noted(self) -> list[Block]:
        """The components that note_unbuilt updates."""
        return [self.standing, self.build]

    @property
    def followed(self) -> list[Block]:
        """The components that follow_loaded updates."""
        return [*dict.fromkeys([*self.controls.shown, self.shown, *self.noted])]

    def note_unbuilt(self, values: Values) -> Updates:
        """Say whether the controls say what is loaded, or something that is not built yet."""
        session: Session = values[self.session]
        if session.indexed is None:
            return NO_CHANGE
        unbuilt = self._requested_key(values) != _loaded_key(session)
        note = UNBUILT if unbuilt else NOT_PUT if self._is_to_be_put(values) else AS_LOADED
        variant = "secondary" if note is AS_LOADED else "primary"
        return {self.standing: note.format(session.indexed.name), self.build: gr.update(variant=variant)}

    def _is_to_be_put(self, values: Values) -> bool:
        """Return whether what is loaded is wanted in Milvus, where it is not."""
        session: Session = values[self.session]
        return self.milvus is not None and bool(values[self.milvus.wanted]) and copy_of(session.loaded()) is None

    def follow_loaded(self, values: Values) -> Updates:
        """Let the controls show what was loaded from elsewhere, unless the visitor has changed them meanwhile."""
        session: Session = values[self.session]
        if session.indexed is None:
            return NO_CHANGE
        loaded, requested = _loaded_key(session), self._requested_key(values)
        if requested == loaded:
            return {self.shown: loaded, **self.note_unbuilt(values)}
        if values[self.shown] != requested:
            return self.note_unbuilt(values)
        built = self.controls.show_built(session.indexed.settings, session.sample)
        return {**built, self.shown: loaded, self.standing: AS_LOADED, self.build: gr.update(variant="secondary")}

    def _requested_key(self, values: Values) -> str:
        """Return the key of what the controls say; empty if that cannot be built."""
        session: Session = values[self.session]
        try:
            request = self.request(values)
            return _key(request.source_key(session.parsed_files), request.settings)
        except RetrieverError:
            return ""

    def request(self, values: Values) -> BuildRequest:
        """Return what the controls say, as one value. Raises ParameterError if a number is not whole."""
        controls = self.controls
        settings = index_settings(
            values[controls.model],
            chunk_size=values[controls.chunk_size],
            chunk_overlap=values[controls.chunk_overlap],
            M=values[controls.M],
            ef_construction=values[controls.ef_construction],
        )
        return BuildRequest(
            source=values[controls.source],
            sample=values[controls.sample],
            files=tuple(values[controls.files] or ()),
            text=values[controls.text] or "",
            saved=values[controls.saved] or "",
            settings=settings,
            columns=controls.table_columns.chosen(values),
        )

    async def stream_build(self, values: Values) -> AsyncGenerator[Updates, None]:
        """Build what the controls say; yield the progress, and in the last step the new session and its report.

        The session is written in the first and the last step only, so that what the visitor does on other tabs stays.
        """
        request, session = self.request(values), values[self.session]
        cancel_running(session.job)  # a second click restarts
        planned = await asyncio.to_thread(plan_build, request, session, self.shared_samples)
        job = self.milvus.submit(planned) if self.milvus and values[self.milvus.wanted] else planned.submit()
        written = {self.session: replace(session, job=job, chosen=True)}
        # a visitor who has chosen nothing so far goes on getting samples
        unchanged = {} if session.chosen else {self.session: replace(session, job=None)}
        try:
            async with aclosing(watch(job)) as statuses:
                async for status in statuses:
                    yield {**written, self.progress: progress_bar(status)}
                    written = {}
            done = session.with_collection(job.result(), planned.source, sample=request.sample_name)
        except Cancelled:
            yield {**unchanged, self.progress: CANCELLED, **await asyncio.to_thread(self.refresh, session)}
            return
        except RetrieverError:
            yield {**unchanged, self.progress: FAILED}
            raise
        report = await asyncio.to_thread(self.refresh, done)
        said = self.milvus.outcome(done.loaded()) if self.milvus and values[self.milvus.wanted] else Html()
        yield {self.session: done, self.progress: DONE + said, **report, **self.chunks.clear()}

    def refresh(self, session: Session) -> Updates:
        """Show the report of the loaded collection, with its run record."""
        indexed = session.indexed
        if indexed is None:
            return {self.report: NOT_LOADED}
        return {self.report: build_report(indexed) + folded_record(build_record(indexed))}


def _key(source: str, settings: IndexSettings) -> str:
    """Return a key of what is built, from that of what is embedded and the graph's settings."""
    return f"{source} {settings.M} {settings.ef_construction}"


FIRST_KEY = _key(BuildRequest(SAMPLE).source_key(ParsedFiles()), IndexSettings())  # as the page begins


def _loaded_key(session: Session) -> str:
    """Return the key of what is loaded."""
    return _key(session.source, session.loaded().settings)


def cancel_build(session: Session) -> Html:
    """Ask the running build to stop, and return a message."""
    return CANCELLING if cancel_running(session.job) else NOT_RUNNING


async def save_collection(session: Session) -> dict[str, Any]:
    """Write the loaded collection as a zip and show its download button."""
    job = BUILD_QUEUE.submit(Job(partial(_write_archive, session.loaded()), kind="save"))
    target = await result_of(job)
    written = format_megabytes(target.stat().st_size)
    return gr.update(value=str(target), label=f"Download collection.zip ({written})", visible=True)


def _write_archive(indexed: IndexedCollection, progress: Progress) -> Path:
    """Write a collection as a zip and return its path."""
    progress("saving", 0.0)
    with download_folder(collection_bytes(indexed)) as download, tempfile.TemporaryDirectory() as folder:
        indexed.save(folder)
        target = download / "collection.zip"
        pack_folder(folder, target)
    return target


def build_documents_tab(
    session: gr.State, shared_samples: SharedSamples, milvus: LabMilvus | None = None
) -> tuple[DocumentsTab, Dependency]:
    """Create the tab's components and connect their event listeners; also return the event of a build.

    milvus: a server that can be searched too.
    """
    tab = _create_components(session, shared_samples, milvus)
    controls = tab.controls
    controls.source.input(controls.show_source, controls.source, list(controls.columns.values()), **HIDDEN)
    controls.model.input(controls.fit_model, controls.model, [controls.chunk_size, controls.model], **HIDDEN)
    note_uploads([controls.files, controls.saved], UPLOADED, tab.progress)
    graph = [controls.M, controls.ef_construction]
    controls.preset.input(controls.set_preset, controls.preset, graph, **HIDDEN)
    gr.on([slider.input for slider in graph], name_preset, graph, controls.preset, **HIDDEN)
    noted = {*tab.inputs}
    changed = [control.input for control in (controls.source, controls.sample, controls.model)]
    changed += [control.input for control in controls.table_columns.inputs]
    changed += [slider.change for slider in (controls.chunk_size, controls.chunk_overlap, *graph)]
    changed += [tab.milvus.wanted.input] if tab.milvus else []
    when_settled([*changed, controls.text.blur], tab.note_unbuilt, noted, tab.noted)
    # without a limit: the build queue has its own order
    outputs = [session, tab.progress, tab.chunks.table, *tab.refreshed]
    built = tab.build.click(report_stream_errors(tab.stream_build), tab.inputs, outputs, **HIDDEN)
    if tab.milvus:  # the same collection as before may be in Milvus now
        built.success(tab.note_unbuilt, noted, tab.noted, **HIDDEN)
    tab.cancel.click(cancel_build, session, tab.progress, **UNQUEUED)
    tab.save.click(report_errors(save_collection), session, tab.download, api_visibility="private")
    return tab, built


def _create_components(session: gr.State, shared_samples: SharedSamples, milvus: LabMilvus | None) -> DocumentsTab:
    """Create the tab's components."""
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            controls = create_controls()
        with gr.Column(scale=6, min_width=320):
            with gr.Row():
                build = gr.Button("Build", scale=3)
                cancel = gr.Button("Cancel", scale=1, min_width=100)
            choice = create_milvus_choice(milvus)
            standing, progress = gr.HTML(FIRST_STEP), gr.HTML()
            report = gr.HTML()
            with gr.Row():
                save = gr.Button("Save this collection …", size="sm")
                download = gr.DownloadButton("Download", visible=False, size="sm")
            chunks = build_chunk_browser(session)
            with gr.Accordion("Limits of this lab", open=False):
                gr.HTML(limits_table(limits()))
    return DocumentsTab(
        session=session,
        shared_samples=shared_samples,
        controls=controls,
        build=build,
        cancel=cancel,
        standing=standing,
        progress=progress,
        report=report,
        save=save,
        download=download,
        chunks=chunks,
        shown=gr.State(FIRST_KEY),
        milvus=choice,
    )
