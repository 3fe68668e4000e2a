"""Refusals: requests that are not passed on, and the responses that say why."""

from starlette.responses import HTMLResponse, JSONResponse, Response

from ui.log import Reason
from ui.render.html import render

NO_ROUTE_MESSAGE = "There is no such address here."
FOREIGN_MESSAGE = "Only the lab's own page may ask this."
LOGIN_MESSAGE = "Log in first."
BUSY_MESSAGE = "You have asked for much at once; wait until some of it is answered. Nothing was lost."
NAME_MESSAGE = "The request names no session; a name has at most 64 letters, digits and hyphens."
ENDED_MESSAGE = (
    "This session has ended, as it was not used for a while, and its collection was given up. Reload the page to go "
    "on; a program begins a new session."
)
READ_MESSAGE = "There is no answer to read here: it was read before, or nobody came for it."
FILE_MESSAGE = "Files are uploaded, not fetched: send the file itself."
LARGE_MESSAGE = "This is larger than the lab takes; nothing was lost. Send less."


class Refusal(Exception):
    """A request that is not passed on: its status, the reason that is counted, and why in words.

    page: whether it is a page that was asked for; it then says so itself, and tries again.
    """

    def __init__(self, status: int, reason: Reason, words: str, *, page: bool = False) -> None:
        """Store what the response says."""
        super().__init__(words)
        self.status, self.reason, self.words, self.page = status, reason, words, page

    def response(self) -> Response:
        """Return the response in the form that Gradio's clients understand; the rest of the request is not read."""
        if self.page:
            return HTMLResponse(render("gate/full.html", words=self.words), self.status, {"Retry-After": "30"})
        content = {"detail": self.words, "error": self.words}
        return JSONResponse(content, self.status, {"Connection": "close"})
