"""The ef slider: one measurement at each of its values, then all that is drawn from it."""

import weakref
from collections.abc import Hashable
from dataclasses import astuple, dataclass, field, replace

import gradio as gr

from retriever.errors import StorageError
from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.client_latency import ClientMeasurement
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.shared_results import SharedResult, SharedResults
from ui.inputs import SearchSettings
from ui.milvus.copies import MilvusCopy, copy_of
from ui.recall.client_text import client_cards, client_words, lost_note
from ui.recall.engine import IN_PROCESS, MILVUS, EngineChoice
from ui.recall.figures import DISTANCES_AXIS, LATENCY_AXIS, CostAxis, MilvusCurve, curve_figure
from ui.recall.records import client_record, ef_record
from ui.recall.tables import age_note, distance_sentence, measurement_cards, recall_histogram, typed_note, worst_queries
from ui.render.controls import NO_CHANGE, Updates
from ui.render.export import record_section
from ui.render.html import HINT, Html
from ui.session import Session

NOT_IN_MILVUS = HINT.format(
    "The vectors are not in Milvus yet; the numbers appear when they are. If nothing is under way below, choose “in "
    "this process” and then “Milvus” again."
)
DRAWN_SECONDS, MOST_DRAWN = 600.0, 64  # for which, and of how many measurements, the details serve all visitors
AXES = {"latency": LATENCY_AXIS, "distances": DISTANCES_AXIS}


@dataclass(frozen=True, eq=False)
class LastMeasurement:
    """The last measurement, and the collection it is of: a weak reference, so that a replaced one is freed."""

    now: PairedMeasurement
    of: "weakref.ref[IndexedCollection]"

    @property
    def engine(self) -> str:
        """The engine that was measured."""
        return MILVUS if isinstance(self.now, ClientMeasurement) else IN_PROCESS

    def fits(self, k: float, ef: float, session: Session, engine: str = IN_PROCESS) -> bool:
        """Return whether it is of what is loaded and the controls' values; if not, a newer one is under way."""
        same_settings = (self.now.hnsw.k, self.now.hnsw.ef) == astuple(SearchSettings.nearest(k, ef))
        return self.of() is session.indexed and same_settings and self.engine == engine


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
    engine: EngineChoice | None = None
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

    @property
    def engines(self) -> list[gr.Component]:
        """The choice of an engine, as the last input of the handlers; empty where there is only one."""
        return [self.engine.chosen] if self.engine else []

    def measure_at_ef(
        self,
        k: float,
        ef: float,
        session: Session,
        last: LastMeasurement | None = None,
        engine: str = IN_PROCESS,
    ) -> Updates:
        """Measure at this ef, unless that was done just now, and return the numbers; none before anything is loaded.

        What was drawn of another collection or engine, that of the last measurement, is taken away: it takes a moment
        until it is drawn anew, and would contradict the numbers. So is all where Milvus cannot be asked.
        """
        indexed, settings = session.indexed, SearchSettings.nearest(k, ef)
        if indexed is None:
            return {self.measured: None}
        try:
            recent = self._recent(indexed, settings, engine)
        except StorageError as error:
            return {self.cards: lost_note(str(error)), **self._nothing(last, settings.k)}
        if recent is None:
            return {self.cards: NOT_IN_MILVUS, **self._nothing(last, settings.k)}
        note = " ".join(filter(None, [typed_note(ef, settings), age_note(recent)]))
        now = recent.value
        cards = client_cards(now, note) if isinstance(now, ClientMeasurement) else measurement_cards(now, note)
        shown: Updates = {self.cards: cards, self.measured: LastMeasurement(now, weakref.ref(indexed))}
        if last is None or (last.of() is indexed and last.engine == engine):
            return shown
        return {**self._nothing(LastMeasurement(now, last.of), settings.k), **shown}

    def _recent(
        self, indexed: IndexedCollection, settings: SearchSettings, engine: str
    ) -> SharedResult[PairedMeasurement] | SharedResult[ClientMeasurement] | None:
        """Return a measurement by an engine; None if it does not have the vectors. Raises StorageError."""
        if self.engine and engine == MILVUS:
            return self.engine.milvus.recent(indexed, settings.k, settings.ef)
        return indexed.measurements.recent(settings.k, settings.ef)

    def _nothing(self, last: LastMeasurement | None, k: int) -> Updates:
        """Take away what was drawn; in the figure what exact search took in a measurement at this k stays."""
        exact = last.now.exact if last and last.now.exact.k == k else None
        drawn = None if exact is None else curve_figure([], exact, cost=LATENCY_AXIS)
        blank = dict.fromkeys([self.distances, self.spread, self.worst, self.record], "")
        return {self.measured: None, **blank, self.figure: drawn}

    def draw_details(
        self,
        measured: LastMeasurement | None,
        k: float,
        ef: float,
        axis: str,
        session: Session,
        engine: str = IN_PROCESS,
    ) -> Updates:
        """Return the rest of a measurement once the slider rests: counting and drawing take longer than measuring."""
        indexed, overlay, cost = session.indexed, session.overlay, AXES.get(str(axis), LATENCY_AXIS)
        if indexed is None or measured is None or not measured.fits(k, ef, session, engine):
            return NO_CHANGE
        curves = [_known_curve(graph, measured.now.hnsw.k) for graph in (indexed, overlay)]
        copy = copy_of(indexed) if measured.engine == MILVUS else None
        curves.append((copy.measurements.known_curve(measured.now.hnsw.k) or []) if copy else [])
        key = measured.now, *map(tuple, curves), cost, graph_name(overlay) if overlay else ""
        return self.drawn.get(key, lambda: self._draw(measured.now, indexed, overlay, cost, copy)).value

    def _draw(
        self,
        pair: PairedMeasurement,
        indexed: IndexedCollection,
        overlay: IndexedCollection | None,
        cost: CostAxis,
        copy: MilvusCopy | None,
    ) -> Updates:
        """Return the details of a measurement, which are the same for all who share it; copy: where it was made."""
        now, counted = pair.hnsw, cost is DISTANCES_AXIS
        curve, other = _known_curve(indexed, now.k), _known_curve(overlay, now.k)
        if counted:  # else counted after everything is drawn, as that takes longer than measuring
            curve = [indexed.measurements.counted(step) for step in curve]
            other = [overlay.measurements.counted(step) for step in other] if overlay else []
        name, overlay_name = graph_name(indexed), graph_name(overlay) if overlay else ""
        if isinstance(pair, ClientMeasurement):
            theirs = _with_now((copy.measurements.known_curve(now.k) or []) if copy else [], now)
            drawn = MilvusCurve(f"Milvus {name.removeprefix('HNSW ')}", theirs, now, pair.round_trip_p50)
            figure = curve_figure(
                curve, pair.exact, name=name, overlay=other, overlay_name=overlay_name, milvus=drawn, cost=cost
            )
            record = client_record(indexed, pair, theirs, curve, self._layout(copy), self._uri())
        else:
            now = indexed.measurements.counted(now) if counted else now
            curve = _with_now(curve, now)
            figure = curve_figure(
                curve, pair.exact, now, name=name, overlay=other, overlay_name=overlay_name, cost=cost
            )
            record = ef_record(indexed, pair, curve)
        return {
            self.figure: figure,
            self.spread: recall_histogram(now),
            self.worst: worst_queries(indexed, now, linked=not isinstance(pair, ClientMeasurement)),
            self.record: record_section(record),
        }

    def _layout(self, copy: MilvusCopy | None) -> MilvusLayout | None:
        return self.engine.milvus.layout(copy) if self.engine and copy else None

    def _uri(self) -> str:
        return self.engine.milvus.uri if self.engine else ""

    def show_distances(
        self, measured: LastMeasurement | None, k: float, ef: float, session: Session, engine: str = IN_PROCESS
    ) -> Html | Updates:
        """Return how many distances a measurement took, counted once the slider rests; of Milvus what was measured."""
        if session.indexed is None or measured is None or not measured.fits(k, ef, session, engine):
            return NO_CHANGE
        if measured.engine == MILVUS:
            copy = copy_of(session.indexed)
            return client_words(self._layout(copy))
        counted = session.indexed.measurements.counted(measured.now.hnsw)
        return distance_sentence(replace(measured.now, hnsw=counted))


def graph_name(indexed: IndexedCollection) -> str:
    """Return a graph's name, made of its settings."""
    return f"HNSW {indexed.settings.M}/{indexed.settings.ef_construction}"


def _known_curve(graph: IndexedCollection | None, k: int) -> list[Measurement]:
    """Return a graph's curve; empty if it was not measured."""
    return (graph.measurements.known_curve(k) if graph else None) or []


def _with_now(curve: list[Measurement], now: Measurement) -> list[Measurement]:
    """Return a curve with the newest measurement in place of that at the same ef: one value of one thing."""
    return [now if step.ef == now.ef else step for step in curve]
