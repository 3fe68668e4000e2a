"""JSON without NaN and infinities, which Python reads and writes but JSON does not have."""

import json
import math
from collections.abc import Callable
from typing import Any


def json_decoder(report: Callable[[str], None] | None = None) -> json.JSONDecoder:
    """Return a decoder that reads NaN, infinities and numbers beyond all floats as None, and control characters.

    report: called with each of these numbers, as it is written.
    """

    def missing(digits: str) -> None:
        if report:
            report(digits)

    def finite(digits: str) -> float | None:
        number = float(digits)
        if math.isfinite(number):
            return number
        missing(digits)
        return None

    return json.JSONDecoder(parse_constant=missing, parse_float=finite, strict=False)


_DECODER = json_decoder()


def read_json(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the value of a JSON text, as json_decoder reads it.

    Raises ValueError if it is invalid, RecursionError if it is nested too deeply.
    """
    return _DECODER.decode(text)


def write_json(value: Any, **options: Any) -> str:  # noqa: ANN401 - whatever JSON can hold, and options of json.dumps
    """Return a value as JSON in which NaN and infinities are null, with Unicode as it is.

    Raises ValueError or TypeError if JSON cannot hold it.
    """
    options = {"ensure_ascii": False, **options}
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError:  # or a value that holds itself, which is refused again
        return json.dumps(read_json(json.dumps(value, **options)), **options)
