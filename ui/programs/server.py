"""The MCP server: the lab's tools for programs, over the Streamable HTTP of the Model Context Protocol.

Each request is complete in itself: there are no sessions, no streams that stay open, and the answer is one JSON object.
So nothing has to be kept, bounded or swept, and whoever goes away ends what they asked for.

Neither Gradio's own MCP server nor the one of the package mcp is used, of which only the types of messages are:

- Gradio's offers every public endpoint, those included that take files, for which it fetches the addresses it is given;
  it sends calls through the lab's own door, so that all seem to come from this machine; and it keeps streams open.
- Both run each call inside warnings.catch_warnings, which two calls at once leave replaced for the whole process: from
  then on no warning would reach the log.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio
from mcp.shared.version import SUPPORTED_PROTOCOL_VERSIONS
from mcp.types import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    LATEST_PROTOCOL_VERSION,
    METHOD_NOT_FOUND,
    Implementation,
    InitializeResult,
    ListToolsResult,
    Result,
    ServerCapabilities,
    ToolsCapability,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from retriever.errors import ParameterError, RetrieverError
from retriever.json_text import write_json
from retriever.run_record import versions_of
from retriever.turns import OWNER, Owner
from ui.jobs.shared_samples import SharedSamples
from ui.log import log_event
from ui.programs.descriptions import DescribedTool
from ui.programs.tools import Tools
from ui.render.errors import expected_words, unexpected_words
from ui.settings import serves_tools

NAME, TITLE = "dense-retrieval-lab", "Dense Retrieval Lab"
INSTRUCTIONS = (
    "A laboratory of approximate search: it compares HNSW with exact search, and retrievers with one another, on "
    "samples of its own. All numbers are measured when they are asked for. Call one tool at a time: measurements take "
    "turns."
)
VERSION_HEADER = "mcp-protocol-version"


class WrongMessage(Exception):
    """A message that is no valid request: the error's code by JSON-RPC, and what is wrong in words."""

    def __init__(self, code: int, words: str) -> None:
        """Store what the response says."""
        super().__init__(words)
        self.code, self.words = code, words


class ToolServer:
    """The tools as an MCP server of single requests and answers."""

    def __init__(self, tools: Tools) -> None:
        """Describe the tools."""
        functions = tools.search_sample, tools.measure_ef, tools.compare_retrievers, tools.explain_miss
        self._tools = {function.__name__: DescribedTool.of(function) for function in functions}
        self._under_way = self._answered = 0

    def routes(self, prefix: str) -> Sequence[Route]:
        """Return the routes of the server, below a prefix that ends with a slash."""
        return [
            Route(f"{prefix}mcp", self.answer, methods=["POST"]),
            Route(f"{prefix}mcp/", self.answer, methods=["POST"]),
            Route(f"{prefix}mcp/schema", self.schema, methods=["GET"]),
        ]

    def facts(self) -> Mapping[str, int]:
        """Return how many calls of tools are under way, and how many were answered, for the lab's operator."""
        return {"under_way": self._under_way, "answered": self._answered}

    async def schema(self, request: Request) -> Response:
        """Return what the API view of the page shows of the tools, in the form of Gradio's own server."""
        return JSONResponse(
            [
                {
                    "name": name,
                    "description": described.tool.description,
                    "inputSchema": described.tool.inputSchema,
                    "meta": {"file_data_present": False, "mcp_type": "tool", "endpoint_name": name},
                }
                for name, described in self._chosen(request).items()
            ]
        )

    async def answer(self, request: Request) -> Response:
        """Answer one message: a request with a response, and anything else, which asks for nothing, with status 202."""
        message = await request.json()  # an object, as the guard has found
        if "method" not in message or "id" not in message:
            return Response(status_code=202)
        try:
            asked = request.headers.get(VERSION_HEADER, LATEST_PROTOCOL_VERSION)
            if asked not in SUPPORTED_PROTOCOL_VERSIONS:
                known = ", ".join(SUPPORTED_PROTOCOL_VERSIONS)
                raise WrongMessage(INVALID_REQUEST, f"The protocol version {asked[:40]!r} is not one of: {known}.")
            if not isinstance(message["id"], str | int) or not isinstance(message["method"], str):
                raise WrongMessage(INVALID_REQUEST, "The id must be a text or a whole number, and the method a text.")
            found = await self._result(message["method"], _parameters(message), request)
        except WrongMessage as error:
            found = {"error": {"code": error.code, "message": error.words}}
        text = write_json({"jsonrpc": "2.0", "id": message["id"], **found}, ensure_ascii=True)
        return Response(text, media_type="application/json")

    async def _result(self, method: str, parameters: Mapping[str, Any], request: Request) -> dict[str, Any]:
        """Return the result of a method. Raises WrongMessage if there is no such method."""
        if method == "tools/call":
            return {"result": await self._called(parameters, request)}
        if method == "initialize":
            return _plain(_welcome(parameters.get("protocolVersion")))
        if method == "tools/list":
            return _plain(ListToolsResult(tools=[described.tool for described in self._chosen(request).values()]))
        if method == "ping":
            return {"result": {}}
        raise WrongMessage(METHOD_NOT_FOUND, f"There is no method {method[:40]!r} here; there are tools only.")

    def _chosen(self, request: Request) -> dict[str, DescribedTool]:
        """Return the tools, or those of them that the address names, as in mcp/?tools=measure_ef,explain_miss."""
        names = request.query_params.get("tools")
        wanted = self._tools if names is None else names.split(",")
        return {name: described for name, described in self._tools.items() if name in wanted}

    async def _called(self, parameters: Mapping[str, Any], request: Request) -> dict[str, Any]:
        """Call a tool on behalf of the address that asks, as long as its connection is open; return what is told."""
        name, arguments = parameters.get("name"), parameters.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise WrongMessage(INVALID_PARAMS, "The name of the tool must be a text, and its arguments an object.")
        told: dict[str, Any] = _refused("The program has closed the connection.")
        token = OWNER.set(Owner(request.client.host if request.client else ""))
        self._under_way += 1
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_when_gone, request, group.cancel_scope.cancel)
                told = await self._outcome(name, arguments or {})
                group.cancel_scope.cancel()
        finally:
            OWNER.reset(token)
            self._under_way -= 1
            self._answered += 1
        return told

    async def _outcome(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a tool found, or why it refused in words."""
        began, outcome = time.monotonic(), "refused"
        try:
            described = self._tools.get(name)
            if described is None:
                raise ParameterError(f"There is no tool {name[:40]!r}; choose one of: {', '.join(self._tools)}.")
            described.check_names(arguments)
            found = await described.function(**arguments)
            outcome = "done"
            text = write_json(found, ensure_ascii=False)
            return {"content": [_text(text)], "structuredContent": found, "isError": False}
        except RetrieverError as error:
            return _refused(expected_words(error))
        except Exception as error:  # of whatever kind: a fault of the lab, which must not end in a traceback
            outcome = "failed"
            return _refused(unexpected_words(error, name))
        finally:
            known = name if name in self._tools else "unknown"
            log_event("tool", tool=known, outcome=outcome, seconds=round(time.monotonic() - began, 3))


def tool_server(shared_samples: SharedSamples) -> ToolServer | None:
    """Return the server of the tools over the shared samples, or None if the operator has switched it off."""
    return ToolServer(Tools(shared_samples)) if serves_tools() else None


def _welcome(version: object) -> InitializeResult:
    """Return what a client is told first, by the protocol's version that it asks for, or else the latest."""
    return InitializeResult(
        protocolVersion=version if version in SUPPORTED_PROTOCOL_VERSIONS else LATEST_PROTOCOL_VERSION,
        capabilities=ServerCapabilities(tools=ToolsCapability(listChanged=False)),
        serverInfo=Implementation(name=NAME, title=TITLE, version=versions_of([NAME]).get(NAME, "from source")),
        instructions=INSTRUCTIONS,
    )


async def _when_gone(request: Request, cancel: Callable[[], None]) -> None:
    """Call a function when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    cancel()


def _parameters(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a message. Raises WrongMessage if they are no object."""
    found = message.get("params") or {}
    if not isinstance(found, dict):
        raise WrongMessage(INVALID_PARAMS, "The parameters must be an object.")
    return found


def _plain(result: Result) -> dict[str, Any]:
    """Return a result of the protocol as the part of a response."""
    return {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


def _refused(words: str) -> dict[str, Any]:
    """Return the result of a call that was refused, with the reason in words."""
    return {"content": [_text(words)], "isError": True}


def _text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}
