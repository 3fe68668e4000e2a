"""The routes that may be requested: what is not listed here does not exist for a client, whatever Gradio offers."""

import re
from dataclasses import dataclass
from enum import Enum, auto

API_PREFIX = "/gradio_api/"
SESSION_NAME = r"[A-Za-z0-9-]{1,64}"  # no underscore: Gradio puts one behind it in the names of tasks
EVENT_ID = r"[A-Za-z0-9]{1,64}"
ENDPOINT = r"[A-Za-z0-9_]{1,64}"
CLASS = "/class/[A-Za-z0-9]{6}"  # with the code of a class
CLASS_PAGE = f"/class/?|{CLASS}|{CLASS}/teach"


class Kind(Enum):
    """What a route is for, which decides what is checked before a request reaches the app."""

    ASSET = auto()  # a file that is the same for everybody
    PAGE = auto()
    CONFIG = auto()  # what the page is made of, which a program asks first
    FACTS = auto()  # what the endpoints are
    LOGIN = auto()
    LOGOUT = auto()
    EVENT = auto()  # something a session asks for
    CALL = auto()  # an endpoint that a program calls, with or without a session
    NAMED_CALL = auto()  # the same with its values by name, as the page's API view shows for cURL
    CANCEL = auto()
    STREAM = auto()  # the answers to a session
    ANSWER = auto()  # the answer to one call
    HEARTBEAT = auto()
    TOOL = auto()  # a message of a program that speaks MCP
    UPLOAD = auto()
    UPLOAD_PROGRESS = auto()
    FILE = auto()  # a file that was made for a visitor
    CLASS_PAGE = auto()  # a page of a class, which needs no session
    CLASS_STATE = auto()  # what such a page asks for
    CLASS_EVENT = auto()  # what such a page does


BEFORE_LOGIN = {Kind.ASSET, Kind.PAGE, Kind.CLASS_PAGE, Kind.LOGIN}


@dataclass(frozen=True)
class Route:
    """The methods and the paths of a route; the groups of the pattern are what the path names."""

    methods: tuple[str, ...]
    pattern: re.Pattern[str]
    kind: Kind


def _route(methods: str, pattern: str, kind: Kind) -> Route:
    return Route(tuple(methods.split()), re.compile(pattern), kind)


def _api(methods: str, pattern: str, kind: Kind) -> Route:
    return _route(methods, API_PREFIX + pattern, kind)


ROUTES = (
    _route("GET HEAD", r"/(assets|static)/[A-Za-z0-9_./@+-]{1,300}", Kind.ASSET),
    _route("GET HEAD", r"/(theme\.css|favicon\.ico|manifest\.json|robots\.txt|health)", Kind.ASSET),
    _route("GET HEAD", r"/icons/[a-z0-9.-]{1,40}", Kind.ASSET),
    _api("GET", r"theme\.css", Kind.ASSET),
    _route("GET HEAD", "/", Kind.PAGE),
    _route("GET", "/config/?", Kind.CONFIG),
    _api("GET", "(info|app_id|login_check)/?", Kind.FACTS),
    _route("POST", "/login/?", Kind.LOGIN),
    _route("POST", "/logout", Kind.LOGOUT),
    _api("POST", "queue/join", Kind.EVENT),
    _api("POST", "run/predict/?", Kind.EVENT),
    _api("POST", f"call/({ENDPOINT})/?", Kind.CALL),
    _api("POST", f"call/v2/({ENDPOINT})/?", Kind.NAMED_CALL),
    _api("POST", "cancel", Kind.CANCEL),
    _api("GET POST DELETE", "mcp/?", Kind.TOOL),
    _api("GET", "mcp/schema", Kind.FACTS),
    _api("GET", "queue/data", Kind.STREAM),
    _api("GET", f"call/{ENDPOINT}/({EVENT_ID})", Kind.ANSWER),
    _api("GET", f"heartbeat/({SESSION_NAME})", Kind.HEARTBEAT),
    _api("POST", "upload", Kind.UPLOAD),
    _api("GET", "upload_progress", Kind.UPLOAD_PROGRESS),
    _api("GET HEAD", "file=(.{1,1000})", Kind.FILE),
    _route("GET HEAD", r"/class/files/[a-z.]{1,40}", Kind.ASSET),
    _route("GET HEAD", CLASS_PAGE, Kind.CLASS_PAGE),
    _route("GET", rf"{CLASS}/(state|lead|results\.csv)", Kind.CLASS_STATE),
    _route("POST", f"/class|{CLASS}/(join|predict|move)", Kind.CLASS_EVENT),
)


def find_route(method: str, path: str) -> tuple[Route, str] | None:
    """Return the route of a request, and what its path names (a session, an event, a file); None if there is none."""
    for route in ROUTES:
        if method in route.methods and (found := route.pattern.fullmatch(path)):
            return route, found.group(found.lastindex) if found.lastindex else ""
    return None
