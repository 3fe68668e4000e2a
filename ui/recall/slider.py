"""The ef slider: one measurement at each of its values, then all that is drawn from it."""

import weakref
from collections.abc import Hashable
from dataclasses import astuple, dataclass, field, replace

import gradio as gr

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import Measurement, PairedMeasurement
from retriever.shared_results import SharedResults
from ui.inputs import SearchSettings
from ui.recall.figures import DISTANCES_AXIS, LATENCY_AXIS, CostAxis, curve_figure
from ui.recall.records import ef_record
from ui.recall.tables import age_note, distance_sentence, measurement_cards, recall_histogram, typed_note, worst_queries
from ui.render.controls import NO_CHANGE, Updates
from ui.render.export import record_section
from ui.render.html import Html
from ui.session import Session

DRAWN_SECONDS, MOST_DRAWN = 600.0, 64  # for which, and of how many measurements, the details serve all visitors
AXES = {"latency": LATENCY_AXIS, "distances": DISTANCES_AXIS}


@dataclass(frozen=True, eq=False)
class LastMeasurement:
    """The last measurement, and the collection it is of: a weak reference, so that a replaced one is freed."""

    now: PairedMeasurement
    of: "weakref.ref[IndexedCollection]"

    def fits(self, k: float, ef: float, session: Session) -> bool:
        """Return whether it is of the loaded collection and the sliders' values; if not, a newer one is under way."""
        same_settings = (self.now.hnsw.k, self.now.hnsw.ef) == astuple(SearchSettings.nearest(k, ef))
        return self.of() is session.indexed and same_settings


@dataclass(frozen=True, eq=False)
class EfSlider:
    """The ef slider, the components that show a measurement at its value, and the handlers that update them."""

    ef: gr.Slider
    k: gr.Slider
    axis: gr.Radio
    cards: gr.HTML
    distances: gr.HTML
    figure: gr.Plot
    spread: gr.HTML
    worst: gr.HTML
    record: gr.HTML
    measured: gr.State  # a LastMeasurement, once there is one
    token: gr.State  # see refresh_token
    drawn: SharedResults[Hashable, Updates] = field(
        default_factory=lambda: SharedResults(DRAWN_SECONDS, most=MOST_DRAWN), repr=False
    )

    @property
    def details(self) -> list[gr.Component]:
        """The components that draw_details updates."""
        return [self.figure, self.spread, self.worst, self.record]

    @property
    def numbers(self) -> list[gr.Component]:
        """The components that measure_at_ef updates."""
        return [self.cards, self.measured, self.distances, *self.details]

    def measure_at_ef(self, k: float, ef: float, session: Session, last: LastMeasurement | None = None) -> Updates:
        """Measure at this ef, unless that was done just now, and return the numbers; none before anything is loaded.

        What was drawn of another collection, that of the last measurement, is taken away: it takes a moment until it is
        drawn anew, and would contradict the numbers.
        """
        indexed, settings = session.indexed, SearchSettings.nearest(k, ef)
        if indexed is None:
            return {self.measured: None}
        recent = indexed.measurements.recent(settings.k, settings.ef)
        notes = [typed_note(ef, settings), age_note(recent)]
        cards = measurement_cards(recent.value, " ".join(filter(None, notes)))
        shown: Updates = {self.cards: cards, self.measured: LastMeasurement(recent.value, weakref.ref(indexed))}
        if last is None or last.of() is indexed:
            return shown
        blank = dict.fromkeys([self.distances, self.spread, self.worst, self.record], "")
        return {**shown, **blank, self.figure: curve_figure([], recent.value.exact, cost=LATENCY_AXIS)}

    def draw_details(
        self, measured: LastMeasurement | None, k: float, ef: float, axis: str, session: Session
    ) -> Updates:
        """Return the rest of a measurement once the slider rests: counting and drawing take longer than measuring."""
        indexed, overlay, cost = session.indexed, session.overlay, AXES.get(str(axis), LATENCY_AXIS)
        if indexed is None or measured is None or not measured.fits(k, ef, session):
            return NO_CHANGE
        curves = [_known_curve(graph, measured.now.hnsw.k) for graph in (indexed, overlay)]
        key = measured.now, *map(tuple, curves), cost, graph_name(overlay) if overlay else ""
        return self.drawn.get(key, lambda: self._draw(measured.now, indexed, overlay, cost)).value

    def _draw(
        self, pair: PairedMeasurement, indexed: IndexedCollection, overlay: IndexedCollection | None, cost: CostAxis
    ) -> Updates:
        """Return the details of a measurement, which are the same for all who share it."""
        now, counted = pair.hnsw, cost is DISTANCES_AXIS
        curve, other = _known_curve(indexed, now.k), _known_curve(overlay, now.k)
        if counted:  # else counted after everything is drawn, as that takes longer than measuring
            now = indexed.measurements.counted(now)
            curve = [indexed.measurements.counted(step) for step in curve]
            other = [overlay.measurements.counted(step) for step in other] if overlay else []
        curve = [now if step.ef == now.ef else step for step in curve]  # one value of one thing
        names = {"name": graph_name(indexed), "overlay_name": graph_name(overlay) if overlay else ""}
        return {
            self.figure: curve_figure(curve, pair.exact, now, overlay=other, cost=cost, **names),
            self.spread: recall_histogram(now),
            self.worst: worst_queries(indexed, now),
            self.record: record_section(ef_record(indexed, pair, curve)),
        }

    def show_distances(self, measured: LastMeasurement | None, k: float, ef: float, session: Session) -> Html | Updates:
        """Return how many distances a measurement took, counted once the slider rests."""
        if session.indexed is None or measured is None or not measured.fits(k, ef, session):
            return NO_CHANGE
        counted = session.indexed.measurements.counted(measured.now.hnsw)
        return distance_sentence(replace(measured.now, hnsw=counted))


def graph_name(indexed: IndexedCollection) -> str:
    """Return a graph's name, made of its settings."""
    return f"HNSW {indexed.settings.M}/{indexed.settings.ef_construction}"


def _known_curve(graph: IndexedCollection | None, k: int) -> list[Measurement]:
    """Return a graph's curve; empty if it was not measured."""
    return (graph.measurements.known_curve(k) if graph else None) or []
