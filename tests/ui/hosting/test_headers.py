"""The security headers, and the nonce of the page's own scripts."""

import gzip
import re

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from retriever.errors import ParameterError
from ui.hosting.headers import SecurityHeaders
from ui.settings import framing_sites

PAGE = '<script>one()</script><script type="module" src="x.js"></script><scripted>' + "x" * 5_000


def page(request):
    assert "accept-encoding" not in request.headers, "a compressed page could not be changed"
    return HTMLResponse(PAGE, headers={"X-Content-Type-Options": "own", "Content-Security-Policy": "own"})


@pytest.fixture
def client():
    routes = [Route("/", page), Route("/file", lambda request: PlainTextResponse("words"))]
    return TestClient(SecurityHeaders(Starlette(routes=routes)))


def test_the_scripts_of_the_page_get_a_nonce_that_is_new_each_time(client):
    first, second = client.get("/"), client.get("/")
    nonces = [
        re.search("'nonce-([^']+)'", answer.headers["content-security-policy"]).group(1) for answer in (first, second)
    ]
    assert nonces[0] != nonces[1] and len(nonces[0]) >= 20
    assert first.text == PAGE.replace("<script>", f'<script nonce="{nonces[0]}">').replace(
        "<script type", f'<script nonce="{nonces[0]}" type'
    )


def test_the_page_is_compressed_for_who_takes_it(client):
    with client.stream("GET", "/", headers={"accept-encoding": "gzip, br"}) as answer:
        assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "accept-encoding"
        assert gzip.decompress(b"".join(answer.iter_raw())).endswith(b"xxx")
    assert "content-encoding" not in client.get("/", headers={"accept-encoding": "identity"}).headers


@pytest.mark.parametrize("path", ["/", "/file", "/missing"])
def test_every_response_has_the_headers_once(client, path):
    headers = client.get(path).headers
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers["referrer-policy"] == "same-origin" and headers["cross-origin-resource-policy"] == "same-origin"
    [policy] = headers.get_list("content-security-policy")
    assert "frame-ancestors 'self' https://huggingface.co" in policy and "'unsafe-inline'" not in policy.split(";")[1]


def test_the_operator_says_which_sites_may_frame_the_lab(client, monkeypatch):
    monkeypatch.setenv("LAB_FRAMED_BY", "https://school.example https://*.hf.space")
    assert "'self' https://school.example https://*.hf.space" in client.get("/").headers["content-security-policy"]
    monkeypatch.setenv("LAB_FRAMED_BY", "")
    assert client.get("/").headers["content-security-policy"].rstrip().endswith("frame-ancestors 'self'")
    monkeypatch.setenv("LAB_FRAMED_BY", "https://a.example; script-src *")
    with pytest.raises(ParameterError, match="LAB_FRAMED_BY"):
        framing_sites()
