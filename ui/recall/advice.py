"""What to use for the loaded collection: a recommendation by the curve that is shown, and what it says."""

from dataclasses import dataclass

import gradio as gr

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recommendation import MeasuredGraph, recommend
from ui.inputs import nearest, nearest_k
from ui.recall.advice_text import advice_section, times_sentence
from ui.recall.engine import IN_PROCESS, MILVUS
from ui.recall.slider import EfSlider, LastMeasurement
from ui.render.controls import NO_CHANGE, Updates
from ui.render.html import HINT, Html
from ui.session import Session

MEASURING = HINT.format("The curve is still being measured.")
OF_THIS_PROCESS = HINT.format("This rests on the graph in this process, whose distances are counted; Milvus' are not.")
ENGINES = {IN_PROCESS: "HNSW", MILVUS: "HNSW in Milvus"}  # as sentences name them
COUNTING = HINT.format("The distances of the curve are still being counted.")


@dataclass(frozen=True, eq=False)
class Advice:
    """The recommendation, the target that it depends on, the slider's times, and the handlers that update them."""

    slider: EfSlider
    target: gr.Slider
    shown: gr.HTML
    times: gr.HTML

    def show_costs(
        self, measured: LastMeasurement | None, k: float, ef: float, session: Session, engine: str = IN_PROCESS
    ) -> Updates:
        """Return how many distances a measurement took, and the times of both searches in it."""
        if measured is None or not measured.fits(k, ef, session, engine):
            return NO_CHANGE
        distances = self.slider.show_distances(measured, k, ef, session, engine)
        return {self.slider.distances: distances, self.times: times_sentence(measured.now, ENGINES[engine])}

    def show_advice(self, k: float, target: float, session: Session, engine: str = IN_PROCESS) -> Html:
        """Return what to use for the loaded collection if the target recall is wanted, whatever engine is shown."""
        indexed, k, wanted = session.indexed, nearest_k(k), nearest("recall", target, 0.0, 1.0)
        if indexed is None:
            return Html()
        loaded, other = _measured_graph(indexed, k), _measured_graph(session.overlay, k)
        if loaded is None:
            return MEASURING
        if not _is_counted(loaded):
            return COUNTING
        graphs = [loaded, other] if other and _is_counted(other) else [loaded]
        held = indexed.measurements.copies.largest > (loaded.curve[-1].ef or 0)
        advice = recommend(graphs, len(indexed), indexed.retriever.dimension, wanted, held_by_copies=held)
        second = advice.graph is not None and advice.graph is other
        return advice_section(indexed, advice, second=second) + (OF_THIS_PROCESS if engine == MILVUS else Html())


def _measured_graph(indexed: IndexedCollection | None, k: int) -> MeasuredGraph | None:
    """Return a collection's graph with its curve, if that was measured."""
    curve = indexed.measurements.known_curve(k) if indexed else None
    if indexed is None or curve is None:
        return None
    settings, links = indexed.settings, indexed.retriever.hnsw.link_bytes
    return MeasuredGraph(settings.M, settings.ef_construction, curve, links, indexed.seconds.get("graph"))


def _is_counted(graph: MeasuredGraph) -> bool:
    """Return whether the distances of a graph's curve are counted."""
    return all(step.distances is not None for step in graph.curve)
