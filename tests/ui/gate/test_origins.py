"""Where a request comes from: its address behind proxies, and which requests of browsers are another site's."""

import pytest

from ui.gate.origins import client_address, headers_of, is_foreign
from ui.gate.routes import Kind

SCOPE = {"client": ("10.0.0.1", 4711)}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        ("0", "1.1.1.1", "10.0.0.1"),
        ("1", "1.1.1.1", "1.1.1.1"),
        ("1", "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        ("2", "9.9.9.9, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("3", "1.1.1.1", "1.1.1.1"),
        ("1", "", "10.0.0.1"),
        ("1", " , ", "10.0.0.1"),
        ("1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("1", "::ffff:nonsense", "::ffff:nonsense"),
    ],
)
def test_an_address_is_what_trusted_proxies_say_and_not_what_a_client_writes(monkeypatch, proxies, forwarded, address):
    monkeypatch.setenv("LAB_TRUSTED_PROXIES", proxies)
    assert client_address(SCOPE, {"x-forwarded-for": forwarded}) == address


def test_repeated_headers_are_one_list():
    scope = {"headers": [(b"X-Forwarded-For", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2")]}
    assert headers_of(scope) == {"x-forwarded-for": "1.1.1.1,2.2.2.2"}


OWN = {"host": "lab.example:7860", "origin": "https://lab.example:7860", "sec-fetch-site": "same-origin"}
CROSS = {"sec-fetch-site": "cross-site"}


@pytest.mark.parametrize(
    ("headers", "kind", "foreign"),
    [
        ({}, Kind.EVENT, False),  # a program
        (OWN, Kind.EVENT, False),
        (OWN | {"origin": "https://evil.example"}, Kind.EVENT, True),
        (OWN | {"origin": "https://lab.example:7861"}, Kind.EVENT, True),
        (OWN | {"origin": "http://[bad"}, Kind.EVENT, True),
        (OWN | {"origin": "https://lab.example.evil.example:7860"}, Kind.EVENT, True),
        (OWN | {"origin": "null"}, Kind.EVENT, True),
        (OWN | {"origin": ""}, Kind.EVENT, True),
        (CROSS | {"sec-fetch-mode": "no-cors"}, Kind.CONFIG, True),  # an image or a script
        (CROSS | {"sec-fetch-mode": "navigate"}, Kind.PAGE, False),  # a link, or a frame
        (CROSS | {"sec-fetch-mode": "navigate"}, Kind.FILE, True),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, Kind.STREAM, True),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, Kind.FILE, False),  # typed by the visitor
    ],
)
def test_another_site_may_link_to_the_page_and_frame_it_and_nothing_else(headers, kind, foreign):
    assert is_foreign(headers, kind) is foreign


def test_behind_a_proxy_the_name_that_it_was_asked_by_is_the_labs_own(monkeypatch):
    headers = {"host": "internal:7860", "origin": "https://lab.example", "x-forwarded-host": "lab.example"}
    assert is_foreign(headers, Kind.EVENT)
    monkeypatch.setenv("LAB_TRUSTED_PROXIES", "1")
    assert not is_foreign(headers, Kind.EVENT)
