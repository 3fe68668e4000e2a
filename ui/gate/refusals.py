"""Refusals: requests that are not passed on, and the responses that say why."""

import json
from collections.abc import Mapping

from starlette.responses import HTMLResponse, JSONResponse, Response

from retriever.unicode import replace_surrogates
from ui.log import Reason
from ui.render.html import render

NO_ROUTE_MESSAGE = "There is no such address here."
FOREIGN_MESSAGE = "Only the lab's own page may ask this, or a program outside of a browser."
LOGIN_MESSAGE = "Log in first."
BUSY_MESSAGE = "You have asked for much at once; wait until some of it is answered. Nothing was lost."
NAME_MESSAGE = "The request names no session; a name has at most 64 letters, digits and hyphens."
ENDED_MESSAGE = (
    "This session has ended, as it was not used for a while, and its collection was given up. Reload the page to go "
    "on; a program begins a new session."
)
TOOL_LOGIN_MESSAGE = (
    "Log in first: send the header Authorization with the word Basic and, in Base64, class:PASSWORD, or the cookie of "
    "a login."
)
TOOL_METHOD_MESSAGE = (
    "This address is for programs that speak MCP, the Model Context Protocol, over Streamable HTTP. They post messages "
    "to it; there are no streams and no sessions here."
)
READ_MESSAGE = "There is no answer to read here: it was read before, or nobody came for it."
FILE_MESSAGE = "Files are uploaded, not fetched: send the file itself."
LARGE_MESSAGE = "This is larger than the lab takes; nothing was lost. Send less."


class Refusal(Exception):
    """A request that is not passed on: its status, the reason that is counted, and why in words.

    page: whether it is a page that was asked for; it then says so itself, and tries again. headers: of the response,
    beside the usual ones.
    """

    def __init__(
        self, status: int, reason: Reason, words: str, *, page: bool = False, headers: Mapping[str, str] | None = None
    ) -> None:
        """Store what the response says."""
        super().__init__(words)
        self.status, self.reason, self.words, self.page = status, reason, words, page
        self.headers = {"Connection": "close", **(headers or {})}

    def response(self) -> Response:
        """Return the response in the form that Gradio's clients understand; the rest of the request is not read."""
        if self.page:
            return HTMLResponse(render("gate/full.html", words=self.words), self.status, {"Retry-After": "30"})
        words = replace_surrogates(self.words)
        content = {"detail": words, "error": words}
        return JSONResponse(content, self.status, self.headers)


class ToolRefusal(Refusal):
    """A call of a tool that is not passed on, answered as a tool answers: a program's user is shown the words.

    A client of MCP ends at any other status than 200, and its user is told the number only.
    """

    def __init__(self, reason: Reason, words: str, message_id: object) -> None:
        """Store what the response says; message_id: of the message that is answered."""
        super().__init__(200, reason, words)
        self.message_id = message_id

    def response(self) -> Response:
        """Return the response in the form of the protocol, in ASCII, as an id may hold what UTF-8 cannot."""
        result = {"content": [{"type": "text", "text": self.words}], "isError": True}
        text = json.dumps({"jsonrpc": "2.0", "id": self.message_id, "result": result})
        return Response(text, media_type="application/json")
