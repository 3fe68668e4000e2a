"""What is told of the page: its head instead of Gradio's, the manifest, the icons and the picture of link cards."""

import gc
import io
import re
import warnings

import gradio as gr
import pytest
from PIL import Image
from starlette.testclient import TestClient

from ui.gate.origins import address_of
from ui.hosting.page_head import ICONS, PICTURES, PageHead
from ui.hosting.server import Server
from ui.jobs.shared_samples import SharedSamples


@pytest.fixture(scope="module")
def client():
    """A program that asks the whole app, whose page is a small one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Gradio leaves an event loop to the garbage collector
        with gr.Blocks(title="The <Lab>") as demo:
            gr.Textbox('<meta property="og:title" content="of a visitor">')
        client = TestClient(Server(demo, SharedSamples(()))._app(), base_url="https://lab.example:8443")
        gc.collect()
    return client


def metas(page):
    """Return the contents of a page's meta elements by name or property."""
    found = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', page)
    return {name: [content for other, content in found if other == name] for name, _ in found}


def test_the_page_says_what_it_is_and_nothing_of_gradio(client):
    page = client.get("/").text
    head = page[: page.index("</head>")]
    assert re.findall("<title>(.*?)</title>", head) == ["The &lt;Lab&gt;"] and 'lang="en"' in head
    told = metas(head)
    for name in ("description", "og:title", "og:description", "og:image", "og:url", "twitter:card", "twitter:image"):
        assert len(told[name]) == 1, f"{name} once, or readers choose another"
    assert told["og:title"] == ["The &lt;Lab&gt;"] and "approximate search" in told["og:description"][0]
    assert told["og:image"] == told["twitter:image"] == ["https://lab.example:8443/icons/card.png"]
    assert len(told["theme-color"]) == 2
    assert "header-image" not in head and "@Gradio" not in head and "of a visitor" in page


def test_the_manifest_names_icons_that_are_there(client):
    answer = client.get("/manifest.json")
    manifest = answer.json()
    assert answer.headers["content-type"] == "application/manifest+json"
    assert (manifest["name"], manifest["display"], manifest["start_url"]) == ("The <Lab>", "standalone", "./")
    for icon in manifest["icons"]:
        picture = client.get(f"/{icon['src']}")
        assert picture.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert "x".join(map(str, Image.open(io.BytesIO(picture.content)).size)) == icon["sizes"]
    assert {icon["sizes"] for icon in manifest["icons"]} == {"any", "192x192", "512x512"}


def test_the_icon_of_the_tab_and_the_picture_of_cards_are_the_labs_own(client):
    links = re.findall(r'<link rel="(?:icon|apple-touch-icon)" href="([^"]+)"', client.get("/").text)
    assert {client.get(f"/{link}").status_code for link in links} == {200} and len(links) == 3
    assert client.get("/favicon.ico").content == (ICONS / "icon-32.png").read_bytes()
    card = client.get("/icons/card.png")
    assert Image.open(io.BytesIO(card.content)).size == (1200, 630) and len(card.content) < 100_000
    for name in ("card.html", "icon-33.png", "..icon.svg"):
        assert client.get(f"/icons/{name}").status_code == 404
    assert set(PICTURES) <= {path.name for path in ICONS.iterdir()}


@pytest.mark.parametrize(
    ("headers", "proxies", "address"),
    [
        ({"host": "lab.example"}, "0", "http://lab.example/"),
        ({"host": "[::1]:7860"}, "0", "http://[::1]:7860/"),
        ({"host": 'x"><script>'}, "0", ""),
        ({}, "0", ""),
        ({"host": "in", "x-forwarded-host": "lab.example", "x-forwarded-proto": "https"}, "0", "http://in/"),
        ({"host": "in", "x-forwarded-host": "lab.example", "x-forwarded-proto": "https"}, "1", "https://lab.example/"),
        ({"host": "in", "x-forwarded-proto": "javascript"}, "1", ""),
    ],
)
def test_the_address_is_the_one_that_was_asked_if_it_is_one(monkeypatch, headers, proxies, address):
    monkeypatch.setenv("LAB_TRUSTED_PROXIES", proxies)
    scope = {"scheme": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    assert address_of(scope) == address
    page = PageHead("Lab").insert(b'<meta charset="utf-8" />', scope).decode()
    assert page.count(f'content="{address or "/"}icons/card.png"') == 2 and "<script>" not in page
