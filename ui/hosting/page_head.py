"""What browsers, and the link cards of other programs, are told of the page: its name, description, picture and icons.

Gradio fills these places with its own. The pictures are drawn by .ci/draw_icons.py.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from ui.gate.origins import address_of
from ui.render.html import render

ICONS = Path(__file__).with_name("icons")
PICTURES = {"icon.svg": "image/svg+xml"} | {
    name: "image/png" for name in ("icon-32.png", "icon-180.png", "icon-192.png", "icon-512.png", "card.png")
}
DESCRIPTION = (
    "Load documents, ask a question, slide ef, and see what approximate search (HNSW) gives up and what it buys "
    "against exact search, measured as you watch, with your own texts if you like."
)
CARD_WORDS = (
    "A blue and orange graph with one vermilion node that its links do not reach, beside the words Dense Retrieval Lab."
)
BEGIN = b'<meta charset="utf-8" />'
OTHERS = re.compile(rb'\s*<meta\s+(property="og:|name="twitter:)[^>]*>')  # Gradio's own
KEPT = {"cache-control": "public, max-age=86400"}


@dataclass(frozen=True)
class PageHead:
    """The head of the page, the manifest and the icons. title: of the page."""

    title: str

    def insert(self, page: bytes, scope: Scope) -> bytes:
        """Return Gradio's page with this head in place of what Gradio says of itself."""
        head, script, rest = page.partition(b"<script")
        words = render(
            "head.html", title=self.title, description=DESCRIPTION, picture=CARD_WORDS, address=address_of(scope)
        )
        head = OTHERS.sub(b"", head).replace(BEGIN, BEGIN + b"\n" + words.encode(), 1)
        return head + script + rest

    def routes(self) -> list[Route]:
        """Return the routes of the manifest and the icons."""
        return [
            Route("/manifest.json", self.manifest),
            Route("/favicon.ico", lambda request: _picture("icon-32.png")),
            Route("/icons/{name}", lambda request: _picture(request.path_params["name"])),
        ]

    async def manifest(self, request: Request) -> Response:  # request: a route's argument
        """Return the web app manifest, with which the page can be installed."""
        sizes = {"icon.svg": "any", "icon-192.png": "192x192", "icon-512.png": "512x512"}
        content = {
            "name": self.title,
            "short_name": "Retrieval Lab",
            "description": DESCRIPTION,
            "lang": "en",
            "start_url": "./",
            "scope": "./",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#ffffff",
            "icons": [{"src": f"icons/{name}", "sizes": size, "type": PICTURES[name]} for name, size in sizes.items()],
        }
        return JSONResponse(content, media_type="application/manifest+json", headers=KEPT)


def _picture(name: str) -> Response:
    """Return a picture, or status 404 if there is none of this name."""
    if name not in PICTURES:
        return Response("There is no such picture.", 404)
    return FileResponse(ICONS / name, media_type=PICTURES[name], headers=KEPT)
