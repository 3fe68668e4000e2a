"""The objects in a file of JSON lines or of one JSON array, by their numbers, and the lines that hold none."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from retriever.documents.parts import name_parts
from retriever.errors import DocumentError
from retriever.json_text import json_decoder
from retriever.unicode import clean_text

EXPECTED = 'an object like {"text": "..."} was expected'
MAX_DEPTH = 50  # levels of nested lists and objects; Python itself can write and copy only some hundreds
BETWEEN = re.compile(r"[\s,]*")  # two values of an array, or of a file


@dataclass(slots=True)
class JsonObjects:
    """Objects by number. unit: what a number counts, "line" or "item". failed: kind of fault -> its words and numbers.

    missing: numbers that JSON does not have, as they are written.
    """

    unit: str
    found: dict[int, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, tuple[str, list[int]]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def add(self, number: int, value: Any, source: str) -> None:  # noqa: ANN401 - JSON
        """Add a value of JSON, as it is written in source."""
        if not isinstance(value, dict):
            found = "null" if value is None else type(value).__name__
            self.fail(number, "type", f"holds the type {found}; {EXPECTED}: put one on each line.")
        elif _is_deeper(value, MAX_DEPTH):
            self.fail_with(number, RecursionError())
        else:
            if "\\ud" in source.lower():  # a lone surrogate is legal JSON but cannot be saved: replace it by U+FFFD
                whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
                value = json.loads(whole.decode("utf-16", "replace"))
            self.found[number] = value

    def fail(self, number: int, kind: str, words: str) -> None:
        """Add a number without an object that can be read. words: say why, and follow the number in a sentence."""
        self.failed.setdefault(kind, (words, []))[1].append(number)

    def fail_with(self, number: int, error: Exception) -> None:
        """Add a number at which the parser failed."""
        if isinstance(error, RecursionError):
            self.fail(number, "deep", f"is nested too deeply to read; {EXPECTED}: flatten it.")
        else:  # a message without the parser's own line number
            reason = getattr(error, "msg", error)
            self.fail(number, "invalid", f"is not JSON ({reason}); {EXPECTED}: correct or remove the {self.unit}.")

    def unread(self) -> dict[str, str]:
        """Return the names of the parts that were not read, and why."""
        return {
            name_parts(self.unit, sorted(numbers)): f"{'It' if len(numbers) == 1 else 'The first of them'} {words}"
            for words, numbers in self.failed.values()
        }

    def check(self) -> None:
        """Raise DocumentError, with the first fault, if there are no objects."""
        if not self.found:
            faults = [(numbers[0], words) for words, numbers in self.failed.values()]
            number, words = min(faults, default=(1, f"is empty; {EXPECTED}."))
            raise DocumentError(f"{self.unit.capitalize()} {number:,} {words}")


def json_objects(text: str, most: int | None = None) -> JsonObjects:
    """Return the objects in a text, of which at most so many lines are read. Raises DocumentError if there are none.

    The items of an array are read, also if an object holds nothing else of weight, and values that go over lines.
    """
    text = clean_text(text).lstrip("\ufeff").strip()
    missing: list[str] = []
    decoder = json_decoder(missing.append)
    if _is_object(text.split("\n", 1)[0], decoder):
        objects = _lines(text, decoder, most)
    else:
        objects = _values(text, decoder, most)
        if objects.failed or not objects.found:
            objects = max(_lines(text, decoder, most), objects, key=lambda one: len(one.found))
    objects.missing = missing
    objects.check()
    (first, *others) = objects.found.values()
    if not others and (items := _wrapped(first)):
        objects = JsonObjects("item", missing=missing)
        for number, item in enumerate(items[:most], 1):
            objects.add(number, item, "")
    return objects


def _is_object(line: str, decoder: json.JSONDecoder) -> bool:
    try:
        return isinstance(decoder.decode(line), dict)
    except (ValueError, RecursionError):
        return False


def _lines(text: str, decoder: json.JSONDecoder, most: int | None) -> JsonObjects:
    """Return the objects that stand on a line each, also as the items of a damaged array."""
    objects, in_array = JsonObjects("line"), text.startswith("[") and "{" in text
    for number, line in enumerate(text.split("\n")[:most], 1):
        if in_array:
            line = line.strip().lstrip("[").rstrip("],")
        if line.strip():
            try:
                objects.add(number, decoder.decode(line), line)
            except (ValueError, RecursionError) as error:
                objects.fail_with(number, error)
    return objects


def _values(text: str, decoder: json.JSONDecoder, most: int | None) -> JsonObjects:
    """Return the objects that follow one another, as items of an array or without one, up to the first fault."""
    array = text.startswith("[")
    objects, place, number = JsonObjects("item" if array else "object"), int(array), 0
    while most is None or number < most:
        place = _end_of(BETWEEN.match(text, place), place)
        if place == len(text) or array and text[place] == "]":
            break
        number += 1
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            objects.fail_with(number, error)
            break
        objects.add(number, value, text[place:end])
        place = end
    return objects


def _end_of(match: re.Match[str] | None, place: int) -> int:
    return match.end() if match else place


def _wrapped(value: dict[str, Any]) -> list[Any]:
    """Return the list of objects that is all that an object holds, but for plain values without a text."""
    lists = [part for part in value.values() if isinstance(part, (list, dict)) and part]
    if len(lists) != 1 or not {"text", "title"}.isdisjoint(value):
        return []
    items = lists[0]
    return items if isinstance(items, list) and all(isinstance(item, dict) for item in items) else []


def _is_deeper(value: object, max_depth: int) -> bool:
    """Return whether lists and objects are nested more than max_depth levels deep, without recursion."""
    level = [value]
    for _ in range(max_depth):
        parts = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list))]
        if not parts:
            return False
        level = [inner for part in parts for inner in part]
    return any(isinstance(part, (dict, list)) for part in level)
