"""Missed neighbours: which of the exact neighbours a search did not find, by score."""

from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.recall import knn_recall
from retriever.vectors import Int64


def mark_missed(exact: Neighbors, found: Neighbors, row: int = 0) -> tuple[list[bool], list[bool]]:
    """Return marks of one query's exact neighbours that a search missed, and of its results that are not among them.

    exact and found: results of the same queries at the same k. Every list and mark of missed neighbours comes from
    here, so their number agrees with recall. Places that no vector fills get no mark.
    """
    recall = float(knn_recall(exact, found)[row])
    return mark_differences(exact.ids[row], found.ids[row], recall)


def mark_differences(true: Int64, found: Int64, recall: float) -> tuple[list[bool], list[bool]]:
    """Return marks of the missed ids in true and of the extra ids in found, as many as recall implies.

    Recall is by score, so a tie with the k-th score is no miss. Of the ids that differ, only the first are marked as
    missed, and only the last as extra, until their number fits.
    """
    true, found = true[true != NO_ID], found[found != NO_ID]
    n_missed = round((1 - recall) * len(true))
    missed, extra = [bool(row not in found) for row in true], [bool(row not in true) for row in found]
    n_extra = max(0, n_missed - (len(true) - len(found)))
    return _keep_first(missed, n_missed), _keep_first(extra[::-1], n_extra)[::-1]


def _keep_first(marks: list[bool], count: int) -> list[bool]:
    """Return the marks with only the first `count` of those set kept."""
    kept = []
    for mark in marks:
        kept.append(mark and count > 0)
        count -= mark
    return kept
