"""Tests of the asset cache: files are made once and served unchanged; partial or missing ones are not cached."""

import asyncio
import gzip

import pytest

from ui.hosting.asset_cache import IMMUTABLE, AssetCache


class App:
    """An app that responds with a file, in two parts, and records the requests."""

    def __init__(self, status=200, kind=b"text/javascript", body=b"let page = 1;" * 100):
        self.asked, self.status, self.kind, self.body = [], status, kind, body

    async def __call__(self, scope, receive, send):
        self.asked.append(scope["path"])
        await asyncio.sleep(0)  # so that requests that come at once are all asked
        headers = [(b"content-type", self.kind), (b"content-length", str(len(self.body)).encode()), (b"etag", b"x")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body[:5], "more_body": True})
        await send({"type": "http.response.body", "body": self.body[5:]})


def ask(assets, *args, **options):
    return asyncio.run(request(assets, *args, **options))


async def request(assets, path="/assets/page-1a2b.js", method="GET", **headers):
    sent = []

    async def send(message):
        sent.append(message)
        message.get("headers", []).append((b"x-added", b"by somebody outside"))

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": given}
    await assets(scope, None, send)
    start, *bodies = sent
    return start["status"], start["headers"], b"".join(message.get("body", b"") for message in bodies)


@pytest.mark.parametrize("path", ["/assets/page-1a2b.js", "/static/fonts/a.css"])
def test_a_file_is_made_once_and_given_whole_each_time(path):
    app = App()
    assets = AssetCache(app)
    answers = [ask(assets, path, accept_encoding="gzip, br") for _ in range(3)]
    assert app.asked == [path]
    for status, headers, body in answers:
        assert status == 200 and gzip.decompress(body) == app.body and len(body) < len(app.body)
        assert dict(headers)[b"content-length"] == str(len(body)).encode()
        assert [name for name, _ in headers].count(b"x-added") == 1  # what others add to one response is not cached
        assert dict(headers)[b"etag"] == b"x"


def test_who_takes_no_gzip_and_what_is_compressed_already_get_the_file_as_it_is():
    app = App()
    assets = AssetCache(app)
    assert gzip.decompress(ask(assets, accept_encoding="gzip")[2]) == app.body
    for _ in range(2):
        status, headers, body = ask(assets)
        assert body == app.body and b"content-encoding" not in dict(headers)
    assert len(app.asked) == 2
    font = App(kind=b"font/woff2")
    assert ask(AssetCache(font), accept_encoding="gzip")[2] == font.body


def test_only_names_that_change_with_their_content_are_for_good():
    assert dict(ask(AssetCache(App()))[1])[b"cache-control"] == IMMUTABLE
    assert b"cache-control" not in dict(ask(AssetCache(App()), "/static/img/logo.svg")[1])


@pytest.mark.parametrize(
    "options",
    [{"path": "/config"}, {"method": "HEAD"}, {"range": "bytes=0-3"}, {"if_none_match": "x"}, {"status": 404}],
)
def test_the_rest_goes_to_the_app_each_time(options):
    app = App(options.pop("status", 200))
    assets = AssetCache(app)
    for _ in range(2):
        status, _, body = ask(assets, accept_encoding="gzip", **options)
        assert (status, body) == (app.status, app.body)
    assert len(app.asked) == 2


def test_a_file_that_is_requested_by_many_at_once_takes_the_room_of_one(monkeypatch):
    app = App()
    monkeypatch.setattr("ui.hosting.asset_cache.MAX_CACHED_BYTES", 2 * len(app.body))
    assets = AssetCache(app)

    async def request_at_once():
        await asyncio.gather(*(request(assets) for _ in range(5)))

    asyncio.run(request_at_once())
    for path in ("/assets/other.js", "/assets/other.js", "/assets/page-1a2b.js"):
        assert ask(assets, path)[2] == app.body
    assert app.asked == ["/assets/page-1a2b.js"] * 5 + ["/assets/other.js"]


def test_a_file_larger_than_the_cache_is_given_all_the_same(monkeypatch):
    app = App()
    monkeypatch.setattr("ui.hosting.asset_cache.MAX_CACHED_BYTES", len(app.body) - 1)
    assets = AssetCache(app)
    assert [ask(assets)[2] for _ in range(2)] == [app.body] * 2
    assert len(app.asked) == 2


def test_a_class_that_arrives_together_waits_for_one_page_of_its_address():
    async def arrive(assets, hosts):
        return await asyncio.gather(*(request(assets, "/", host=host) for host in hosts))

    app = App(kind=b"text/html", body=b"<html>the page</html>")
    found = asyncio.run(arrive(AssetCache(app), ["lab.example"] * 30 + ["other.example"] * 30))
    assert app.asked == ["/"] * 2 and {body for _, _, body in found} == {app.body}
    for _, headers, _ in found:
        assert [name for name, _ in headers].count(b"x-added") == 1
    broken = App(status=500)
    asyncio.run(arrive(AssetCache(broken), ["lab.example"] * 3))
    assert broken.asked == ["/"] * 3  # an error is no page
