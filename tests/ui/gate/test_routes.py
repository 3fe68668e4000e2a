"""The list of routes: what the page and programs need may be asked, and nothing else that Gradio offers."""

import gc
import warnings

import gradio as gr
import pytest

from ui.gate.routes import Kind, find_route
from ui.hosting.server import Server
from ui.jobs.shared_samples import SharedSamples

API = "/gradio_api"
# What the installed Gradio and the lab offer, and what this app has no use for. A route that a new version of Gradio
# brings is on neither list and fails the test: then decide whether the page needs it.
OPEN = {
    "GET": "/ /assets/{path:path} /static/{path:path} /theme.css /favicon.ico /manifest.json /icons/{name} /robots.txt "
    f"/health /config /config/ {API}/info {API}/info/ {API}/app_id {API}/app_id/ {API}/login_check {API}/login_check/ "
    f"{API}/theme.css {API}/queue/data {API}/call/{{api_name}}/{{event_id}} {API}/heartbeat/{{session_hash}} "
    f"{API}/upload_progress {API}/mcp/schema "
    f"{API}/file={{path_or_url:path}} /class /class/ /class/files/{{name}} /class/{{code}} /class/{{code}}/teach "
    "/class/{code}/state /class/{code}/lead /class/{code}/results.csv",
    "HEAD": f"/ /class /class/ /class/files/{{name}} /class/{{code}} /class/{{code}}/teach /health "
    f"/manifest.json /favicon.ico /icons/{{name}} {API}/file={{path_or_url:path}}",
    "POST": f"/login /login/ /logout {API}/queue/join {API}/run/{{api_name}} {API}/run/{{api_name}}/ "
    f"{API}/call/{{api_name}} {API}/call/{{api_name}}/ {API}/cancel {API}/upload {API}/mcp {API}/mcp/ "
    f"{API}/call/v2/{{api_name}} {API}/call/v2/{{api_name}}/ "
    "/class /class/{code}/join /class/{code}/predict /class/{code}/move",
}
CLOSED = {
    "GET": "/openapi.json /logout /svelte/{path:path} /pwa_icon /pwa_icon/{size} /monitoring /monitoring/summary "
    f"/monitoring/{{key}} {API}/deep_link {API}/user {API}/user/ {API}/token {API}/token/ {API}/dev/reload {API}/runs "
    f"{API}/runs/ {API}/run-history/buckets {API}/run-history/records {API}/openapi.json {API}/queue/status "
    f"{API}/run-history/records/{{endpoint}}/{{record_id}}/assets/{{asset_id}} {API}/startup-events {API}/vibe-code "
    f"{API}/vibe-code/ {API}/proxy={{url_path:path}} {API}/file/{{path:path}} {API}/call/v2/{{api_name}}/{{event_id}} "
    f"{API}/custom_component/{{id}}/{{environment}}/{{type}}/{{file_name}} "
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist.m3u8 "
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/playlist-file "
    f"{API}/stream/{{session_hash}}/{{run}}/{{component_id}}/{{segment_id}}.{{ext}} {API}/profiling/traces "
    f"{API}/profiling/summary",
    "HEAD": f"/openapi.json {API}/mcp/schema {API}/upload_progress {API}/proxy={{url_path:path}} "
    "/class/{code}/state /class/{code}/lead /class/{code}/results.csv",
    "POST": f"{API}/reset {API}/reset/ {API}/run-history/connect {API}/api/{{api_name}} {API}/api/{{api_name}}/ "
    f"{API}/component_server {API}/component_server/ "
    f"{API}/stream/{{event_id}} {API}/stream/{{event_id}}/close {API}/process_recording {API}/vibe-edit "
    f"{API}/vibe-edit/ {API}/undo-vibe-edit {API}/undo-vibe-edit/ {API}/vibe-code {API}/vibe-code/ "
    f"{API}/vibe-starter-queries {API}/vibe-starter-queries/ {API}/profiling/clear {API}/upload/",
}
EXAMPLES = {
    "{path:path}": "index-1.js",
    "/icons/{name}": "/icons/icon-32.png",
    "/files/{name}": "/files/class.css",
    "{code}": "CDF234",
    "{api_name}": "predict",
    "{event_id}": "abc123",
    "{session_hash}": "abc-123",
    "{path_or_url:path}": "/uploads/a/collection.zip",
}


def routes_of(app):
    """Yield the method and the path of every route that an app has, those of mounted apps included."""
    for route in app.routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if hasattr(inner, "routes"):
            yield from routes_of(inner)
        else:
            yield from ((method, route.path) for method in route.methods)


def pairs(listed):
    return {(method, path) for method, paths in listed.items() for path in paths.split()}


def example(path):
    for name, value in EXAMPLES.items():
        path = path.replace(name, value)
    return path


def test_every_route_of_the_installed_gradio_is_on_the_list_or_known_to_be_closed(monkeypatch):
    monkeypatch.setenv("LAB_MAX_SESSIONS", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Gradio leaves an event loop to the garbage collector
        with gr.Blocks() as demo:
            gr.Textbox()
        offered = set(routes_of(Server(demo, SharedSamples(()))._app()))
        del demo
        gc.collect()
    assert offered - pairs(OPEN) - pairs(CLOSED) == set()
    assert pairs(OPEN) - offered == set()


@pytest.mark.parametrize(("method", "path"), sorted(pairs(OPEN)))
def test_what_the_page_and_programs_need_is_on_the_list(method, path):
    assert find_route(method, example(path)) is not None


@pytest.mark.parametrize(("method", "path"), sorted(pairs(CLOSED)))
def test_nothing_else_is(method, path):
    assert find_route(method, example(path)) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/"),
        ("DELETE", f"{API}/queue/join"),
        ("OPTIONS", f"{API}/queue/join"),
        ("GET", f"{API}/queue/join"),
        ("POST", "/config"),
        ("GET", f"{API}/heartbeat/{'n' * 65}"),
        ("GET", f"{API}/heartbeat/a\nb"),
        ("GET", f"{API}/heartbeat/"),
        ("POST", f"{API}/run/another_endpoint"),
        ("GET", "/assets/a\nb"),
        ("GET", f"{API}/call/search/abc/def"),
        ("GET", "//config"),
        ("GET", "/class/CDF2345"),
        ("GET", "/class/CDF234/"),
        ("GET", "/class/../config"),
        ("GET", "/class/CDF234/predict"),
        ("POST", "/class/CDF234"),
        ("GET", "/config/../gradio_api/token"),
    ],
)
def test_other_methods_and_shapes_are_not(method, path):
    assert find_route(method, path) is None


def test_a_route_tells_what_its_path_names():
    assert find_route("GET", f"{API}/heartbeat/abc-1")[1] == "abc-1"
    assert find_route("GET", f"{API}/call/search/e1")[1] == "e1"
    route, named = find_route("GET", f"{API}/file=/uploads/a b.zip")
    assert (route.kind, named) == (Kind.FILE, "/uploads/a b.zip")
