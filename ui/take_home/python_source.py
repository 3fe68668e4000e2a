"""Python source that is safe by construction: what is put into a template is written as a literal, never as it is."""

import json
from collections.abc import Mapping
from functools import cache
from keyword import iskeyword
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")
LINE = 100  # characters of a line of a literal
NEW_LINE = "\n"


class Code(str):
    """Python source of this package itself, which a template takes as it is."""

    __slots__ = ()


def render_source(template: str, **values: object) -> str:
    """Return a file of templates/ filled with values, each of them as a Python literal."""
    return _environment().get_template(template).render(values)


def literal(value: object) -> Code:
    """Return a value as a Python literal, and source as it is.

    Of a text all that is not printable is escaped: line ends, NUL, lone surrogates and marks that reorder a line. So no
    text can end its literal, or the line of a comment. Raises TypeError for what JSON does not have.
    """
    if isinstance(value, Code):
        return value
    return Code(_written(json.loads(json.dumps(value)), ""))  # of subclasses and tuples JSON keeps the plain values


def arguments(values: Mapping[str, object]) -> Code:
    """Return keyword arguments of a call, each with its literal. Raises ValueError for a name that is none."""
    if wrong := [name for name in values if not name.isidentifier() or iskeyword(name)]:
        raise ValueError(f"{wrong[0]!r} is no name of an argument.")
    return Code(", ".join(f"{name}={literal(value)}" for name, value in values.items()))


def _written(value: object, indent: str) -> str:
    """Return a value of JSON as a literal, of which each line but the first is indented."""
    deeper = f"{indent}    "
    if isinstance(value, str):
        return _text(value, indent)
    if isinstance(value, dict) and value:
        parts = [f"{_quoted(name)}: {_written(part, deeper)}" for name, part in value.items()]
        return f"{{\n{''.join(f'{deeper}{part},{NEW_LINE}' for part in parts)}{indent}}}"
    if isinstance(value, list):
        parts = [_written(part, deeper) for part in value]
        line = f"[{', '.join(parts)}]"
        if len(line) <= LINE and "\n" not in line:
            return line
        return f"[\n{''.join(f'{deeper}{part},{NEW_LINE}' for part in parts)}{indent}]"
    return repr(value)


def _text(text: str, indent: str) -> str:
    """Return a text as a literal, a long one in parts that Python joins."""
    if len(text) <= LINE:
        return _quoted(text)
    parts = [_quoted(text[start : start + LINE]) for start in range(0, len(text), LINE)]
    return f"(\n{''.join(f'{indent}    {part}{NEW_LINE}' for part in parts)}{indent})"


def _quoted(text: str) -> str:
    """Return a text as Python's own literal of it, in double quotes where that changes nothing else."""
    written = repr(text)
    plain = written[0] == "'" and '"' not in written and "\\" not in written
    return f'"{written[1:-1]}"' if plain else written


@cache
def _environment() -> Environment:
    """Return the environment of the templates: what they leave undefined is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,
        finalize=literal,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["arguments"] = arguments
    return environment
