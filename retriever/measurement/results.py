"""Lists of results of measurements, which become tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from pandas import DataFrame


class Tabular(Protocol):
    """A result of a measurement that has rows in a table."""

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return its rows: name of each column -> value."""
        ...


Result = TypeVar("Result", bound=Tabular)


class Results(list[Result]):
    """A list of results, such as the steps of a curve or of a sweep."""

    def to_frame(self) -> "DataFrame":
        """Return the rows of all results as a data frame of pandas, in their order; exact search has no ef (NA)."""
        from pandas import DataFrame

        frame = DataFrame([row for result in self for row in result.rows()])
        return frame.astype({"ef": "Int64"}) if len(frame) else frame
