"""The numbers of the ef slider: one measurement at each of its values, then all that is drawn from it."""

import weakref
from dataclasses import astuple, dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import Measurement
from ui.inputs import SearchSettings
from ui.recall.figures import DISTANCES_AXIS, LATENCY_AXIS, curve_figure
from ui.recall.records import ef_record
from ui.recall.tables import distance_sentence, measurement_cards, recall_histogram, worst_queries
from ui.render.export import record_section
from ui.session import Session

AXES = {"latency": LATENCY_AXIS, "distances": DISTANCES_AXIS}
Details = tuple[go.Figure, str, str, str]  # curve, histogram of recall, worst queries, run record


@dataclass(frozen=True, eq=False)
class LastMeasurement:
    """The last measurement, and the collection it is of: a weak reference, so that a replaced one is freed."""

    now: Measurement
    of: "weakref.ref[IndexedCollection]"

    def fits(self, k: float, ef: float, session: Session) -> bool:
        """Return whether it is of the loaded collection and the sliders' values; if not, a newer one is under way."""
        same_settings = (self.now.k, self.now.ef) == astuple(SearchSettings.of(k, ef))
        return self.of() is session.indexed and same_settings


def measure_at_ef(k: float, ef: float, session: Session) -> tuple[str, LastMeasurement | None]:
    """Measure at this ef, anew, and return the numbers; no change before anything is loaded."""
    if session.indexed is None:
        return gr.skip(), None
    indexed, settings = session.indexed, SearchSettings.of(k, ef)
    now = indexed.measurements.measure(settings.k, settings.ef)
    cards = measurement_cards(now, indexed.measurements.measure_exact(settings.k))
    return cards, LastMeasurement(now, weakref.ref(indexed))


def draw_details(measured: LastMeasurement | None, k: float, ef: float, axis: str, session: Session) -> Details:
    """Return the rest of a measurement once the slider rests: counting and drawing take longer than measuring."""
    indexed, overlay = session.indexed, session.overlay
    if indexed is None or measured is None or not measured.fits(k, ef, session):
        return (gr.skip(),) * 4
    now, exact, curve = measured.now, indexed.measurements.measure_exact(int(k)), _known_curve(indexed, int(k), axis)
    if axis == "distances":  # else counted after everything is drawn, as that takes longer than measuring
        now = indexed.measurements.counted(now)
    other = _known_curve(overlay, int(k), axis)
    names = {"name": graph_name(indexed), "overlay_name": graph_name(overlay) if overlay else ""}
    figure = curve_figure(curve, exact, now, overlay=other, cost=AXES[axis], **names)
    record = record_section(ef_record(indexed, now, exact, curve))
    return figure, recall_histogram(now), worst_queries(indexed, now), record


def _known_curve(graph: IndexedCollection | None, k: int, axis: str) -> list[Measurement]:
    """Return a graph's curve, with distances if the axis shows them; empty if it was not measured."""
    if graph is None or graph.measurements.known_curve(k) is None:
        return []
    return graph.measurements.counted_curve(k) if axis == "distances" else graph.measurements.curve(k)


def show_distances(measured: LastMeasurement | None, k: float, ef: float, session: Session) -> Any:  # noqa: ANN401 - HTML or "no change"
    """Return how many distances a measurement took, counted once the slider rests."""
    if session.indexed is None or measured is None or not measured.fits(k, ef, session):
        return gr.skip()
    measurements = session.indexed.measurements
    return distance_sentence(measurements.counted(measured.now), measurements.measure_exact(int(k)))


def graph_name(indexed: IndexedCollection) -> str:
    """Return a graph's name, made of its settings."""
    return f"HNSW {indexed.settings.M}/{indexed.settings.ef_construction}"
