"""Attribution of lost answers: how many the model loses, and how many the index.

Exact search shows the model alone: an answer that is not among its first k is lost by the model, and no index over the
same vectors should be blamed for it. An answer that exact search finds and HNSW does not is lost by the index.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorAttribution:
    """Query ids by where their answer was lost.

    kept: found by exact search and by HNSW. lost_by_index: found by exact search only. lost_by_model: not found by
    exact search. lucky: those of lost_by_model that HNSW finds, because it missed nearer passages that do not answer.
    """

    kept: tuple[str, ...]
    lost_by_index: tuple[str, ...]
    lost_by_model: tuple[str, ...]
    lucky: tuple[str, ...]

    @property
    def asked(self) -> int:
        """The number of questions."""
        return len(self.kept) + len(self.lost_by_index) + len(self.lost_by_model)

    @property
    def found(self) -> int:
        """The number of questions whose answer exact search finds."""
        return len(self.kept) + len(self.lost_by_index)

    def blame(self, query_id: str) -> str:
        """Return where a question's answer was lost: "model", "index", or "" if it was found."""
        return "model" if query_id in self.lost_by_model else "index" if query_id in self.lost_by_index else ""


def attribute_errors(exact: Mapping[str, bool], hnsw: Mapping[str, bool]) -> ErrorAttribution:
    """Return the queries by what exact search and HNSW found: query id -> whether an answer is among the first k."""
    return ErrorAttribution(
        kept=tuple(query_id for query_id, hit in exact.items() if hit and hnsw[query_id]),
        lost_by_index=tuple(query_id for query_id, hit in exact.items() if hit and not hnsw[query_id]),
        lost_by_model=tuple(query_id for query_id, hit in exact.items() if not hit),
        lucky=tuple(query_id for query_id, hit in exact.items() if not hit and hnsw[query_id]),
    )
