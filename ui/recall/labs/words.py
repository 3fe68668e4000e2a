"""What several labs say: whether a series of measurements has a direction, and whether others' work disturbed it."""

from collections.abc import Sequence

import numpy as np

from retriever.evaluation.significance import TIE_TOLERANCE, bootstrap_interval
from retriever.measurement.measurement import Measurement
from retriever.measurement.sharding import ShardResult
from ui.render.numbers import CROWD

MUCH_MORE = 3  # times the largest step back from which on a series that goes up and down has a direction


def trend_of(steps: Sequence[Measurement]) -> int:
    """Return 1 or -1 if recall rises or falls at each step and by more than chance between the ends, else 0.

    The queries are the same at each step, so chance is judged by their differences.
    """
    changes = np.diff([step.mean_recall for step in steps])
    ends = bootstrap_interval(steps[-1].recall - steps[0].recall)
    if (changes >= -TIE_TOLERANCE).all() and ends.low > TIE_TOLERANCE:
        return 1
    return -1 if (changes <= TIE_TOLERANCE).all() and ends.high < -TIE_TOLERANCE else 0


def drift_of(steps: Sequence[Measurement]) -> int:
    """Return 1 or -1 if recall rises or falls by more than chance and by much more than any step back, else 0."""
    changes = np.diff([step.mean_recall for step in steps])
    whole, ends = changes.sum(), bootstrap_interval(steps[-1].recall - steps[0].recall)
    back = (-np.sign(whole) * changes).max()
    clear = max(ends.low, -ends.high) > TIE_TOLERANCE and abs(whole) > MUCH_MORE * back
    return int(np.sign(whole)) if clear else 0


def crowd_note(measurements: Sequence[Measurement] | Sequence[ShardResult]) -> str:
    """Return a note on times that others' work may have lengthened; empty if there are none."""
    return f" {CROWD}" if any(measured.crowded for measured in measurements) else ""
