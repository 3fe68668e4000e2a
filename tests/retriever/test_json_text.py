"""JSON that any program can read: without NaN and infinities."""

import json
import math

import pytest

from retriever.json_text import read_json, write_json


def test_numbers_that_json_does_not_have_are_null_both_ways():
    value = {"a": [math.nan, 1.5, {"b": -math.inf}], "ü": "NaN"}
    written = write_json(value)
    assert written == '{"a": [null, 1.5, {"b": null}], "ü": "NaN"}'
    assert read_json(json.dumps(value)) == json.loads(written)
    assert read_json("[1e999, 2.5, Infinity]") == [None, 2.5, None]
    assert write_json({"a": 1}, indent=1) == json.dumps({"a": 1}, indent=1)


def test_what_json_cannot_hold_is_refused():
    loop = [math.nan]
    loop.append(loop)
    with pytest.raises(ValueError, match="Circular"):
        write_json(loop)
    with pytest.raises(TypeError):
        write_json({"a": object()})
