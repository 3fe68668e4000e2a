"""A measurement in Milvus in words and as cards: what its client waits for, and what of that is Milvus' work."""

from retriever.indexes.milvus.collection import MilvusLayout
from retriever.measurement.client_latency import ClientMeasurement
from ui.render.html import Html, explained, render
from ui.render.numbers import CROWD, count_of, format_score, format_seconds, index_recall, speed_up_words

WARNING = Html(
    '<div class="lab-warning" role="status"><b>{}</b> {}'
    "<details><summary>The reason, for whoever runs this lab</summary>{}</details></div>"
)
KEPT = Html(
    "All that is loaded is kept, and so are the numbers of this process: choose <b>in this process</b> to see them. "
)
AGAIN = Html("To try once more, choose <b>in this process</b> and then <b>Milvus</b>.")
CLIENT = Html(
    '<div class="lab-client"><p>{} Milvus does not count distances, so it has no curve along that axis.</p>'
    "<details><summary>What was measured</summary>"
    "<p>The {} is what this lab waits for as Milvus’ client, by the clock on the wall; exact search takes turns with "
    "it in this process. The <b>round trip</b> is the same search in a collection of one vector: this client, the "
    "network, the messages. <b>Milvus’ work</b> is what a search takes longer than that. {}</p></details></div>"
)
OWN_GRAPH = "Milvus’ graph is another one than that in this process: other code and several threads link it."


def client_cards(pair: ClientMeasurement, note: str = "") -> Html:
    """Return recall, latency, the round trip and Milvus' work as cards, and a note on all of them."""
    now, exact = pair.hnsw, pair.exact
    faster = speed_up_words(pair.speed_up, pair.speed_up_range)
    latency = f"a query, {faster}; 95 % below {format_seconds(now.p95)}"
    cards = [
        (index_recall(now.k), format_score(now.mean_recall), "of the nearest passages, mean", "1.000"),
        ("median latency", format_seconds(now.p50), latency, format_seconds(exact.p50)),
        *_parts(pair),
    ]
    notes = [note, CROWD if pair.crowded else ""]
    return render("recall/cards.html", ef=now.ef, cards=cards, notes=[*filter(None, notes)], milvus=True)


def _parts(pair: ClientMeasurement) -> list[tuple[str, str, str, str]]:
    """Return the cards of the round trip and of Milvus' work, which is not told from 0 where it is too short."""
    trip = format_seconds(pair.round_trip_p50)
    if not pair.engine_p50:
        return [("round trip", trip, "median, no shorter", ""), ("Milvus’ work", "too short", "to be told", "")]
    return [
        ("round trip", trip, "of that, median", ""),
        ("Milvus’ work", format_seconds(pair.engine_p50), "the rest", ""),
    ]


def client_words(layout: MilvusLayout | None) -> Html:
    """Return what the cards of a measurement in Milvus say, and how Milvus holds the vectors."""
    return CLIENT.format(layout_words(layout), explained("latency"), OWN_GRAPH)


def layout_words(layout: MilvusLayout | None) -> str:
    """Return how Milvus holds the vectors, and what that means for ef."""
    if layout is None:
        return "How Milvus holds the vectors is not known just now."
    shards, server = count_of(layout.shards, "shard"), layout.server.replace("milvus_lite-", "Lite ")
    if layout.segments is None:
        return f"Milvus {server} holds the vectors in {shards}; it does not say in how many segments."
    segments = count_of(len(layout.segments), "segment")
    said = f"Milvus {server} holds the vectors in {segments} of {shards}."
    if len(layout.segments) > 1:
        said += (
            " Each has a graph of its own and is searched with the whole ef: together they find more at the same ef."
        )
    return said


def lost_note(reason: str) -> Html:
    """Return that a search in Milvus failed and why, what was kept, and what to do."""
    then = KEPT + Html("Milvus is asked again whenever the slider moves.")
    return WARNING.format("Milvus cannot be asked now.", then, reason)


def not_stored_note(reason: str) -> Html:
    """Return that the vectors could not be put into Milvus and why, what was kept, and what to do."""
    return WARNING.format("The vectors could not be put into Milvus.", KEPT + AGAIN, reason)


def no_curve_note(reason: str) -> Html:
    """Return that the curve in Milvus could not be measured and why, and what to do."""
    return WARNING.format("The curve in Milvus could not be measured.", AGAIN, reason)
