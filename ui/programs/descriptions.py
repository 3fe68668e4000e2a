"""What a program is told of a tool, read off its function: its description, and a JSON schema of its arguments."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_origin, get_type_hints

from mcp.types import Tool, ToolAnnotations
from pydantic import TypeAdapter

from retriever.errors import ParameterError

Function = Callable[..., Awaitable[dict[str, Any]]]
NATURE = ToolAnnotations(readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False)


@dataclass(frozen=True)
class DescribedTool:
    """A tool's function, and what programs are told of it."""

    function: Function
    tool: Tool

    @classmethod
    def of(cls, function: Function) -> "DescribedTool":
        """Describe a function by its docstring and its annotated parameters."""
        hints = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
        schema = {
            "type": "object",
            "properties": {
                parameter.name: _schema(hints[parameter.name], parameter.default) for parameter in parameters
            },
            "required": [parameter.name for parameter in parameters if parameter.default is parameter.empty],
            "additionalProperties": False,
        }
        name, words = function.__name__, inspect.getdoc(function)
        return cls(function, Tool(name=name, description=words, inputSchema=schema, annotations=NATURE))

    def check_names(self, arguments: Mapping[str, object]) -> None:
        """Raise ParameterError if an argument is missing, or one is given that there is not.

        The function itself checks their values.
        """
        name, known = self.tool.name, list(self.tool.inputSchema["properties"])
        for given in arguments:
            if given not in known:
                raise ParameterError(f"{name} has no argument {given[:40]!r}; its arguments are: {', '.join(known)}.")
        for wanted in self.tool.inputSchema["required"]:
            if wanted not in arguments:
                raise ParameterError(f"{name} needs the argument {wanted}; its arguments are: {', '.join(known)}.")


def _schema(hint: Any, default: object) -> dict[str, Any]:  # noqa: ANN401 - any annotation
    """Return the JSON schema of an argument."""
    assert get_origin(hint) is Annotated, "an argument without a description"
    found = TypeAdapter(hint).json_schema()
    return found if default is inspect.Parameter.empty else {**found, "default": default}
