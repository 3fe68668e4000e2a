"""Where a request comes from: the network address of its client, and the site whose page sent it."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from urllib.parse import urlsplit

from starlette.types import Scope

from ui.gate.routes import Kind
from ui.settings import trusted_proxies

HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?")
LINKED = (Kind.PAGE, Kind.CLASS_PAGE)  # what other sites may link to
OWN_SITES = ("same-origin", "none")  # none: typed into the address bar, or a bookmark


def headers_of(scope: Scope) -> dict[str, str]:
    """Return a request's headers by name in lower case; a repeated one is joined with commas."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def client_address(scope: Scope, headers: Mapping[str, str]) -> str:
    """Return the address that a request comes from, in front of as many proxies as the operator trusts.

    Each proxy appends the address it was asked from, so that what a client writes itself is left of these. Of an IPv6
    address it is the network of 64 bits, all of which one client may use.
    """
    address, proxies = str((scope.get("client") or ("", 0))[0]), trusted_proxies()
    forwarded = [part.strip() for part in headers.get("x-forwarded-for", "").split(",") if part.strip()]
    if proxies and forwarded:
        address = forwarded[max(0, len(forwarded) - proxies)][:64]
    try:
        return str(ip_network(f"{address}/64", strict=False)) if ":" in address else address
    except ValueError:  # no address: a name, or what a client made up
        return address


def address_of(scope: Scope) -> str:
    """Return the address that the lab was requested at, "" if the request does not name a proper one.

    Cards need whole addresses. Behind a trusted proxy the address is the one that the proxy was asked at.
    """
    headers = headers_of(scope)
    host, scheme = headers.get("host", ""), str(scope.get("scheme", "http"))
    if trusted_proxies():
        host = headers.get("x-forwarded-host", host).split(",")[0].strip()
        scheme = headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
    return f"{scheme}://{host}/" if HOST.fullmatch(host) and scheme in ("http", "https") else ""


def is_foreign(headers: Mapping[str, str], kind: Kind) -> bool:
    """Return whether another site's page sent a request, by what the browser says; programs say nothing.

    Another site may link to the page and frame it (Spaces does), and nothing else. Tools are for programs alone: no
    page asks for them, and one whose site's name was made to lead here would look like the lab's own.
    """
    origin = headers.get("origin")
    if kind is Kind.TOOL:
        return origin is not None or "sec-fetch-site" in headers
    if origin is not None and _host_of(origin) not in _own_hosts(headers):
        return True
    if headers.get("sec-fetch-site", "none") in OWN_SITES:
        return False
    return not (kind in LINKED and headers.get("sec-fetch-mode") == "navigate")


def _host_of(origin: str) -> str | None:
    """Return the host of an origin, or None if it is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _own_hosts(headers: Mapping[str, str]) -> set[str]:
    """Return the names under which the lab is asked: the requested host, and behind a trusted proxy the one it got."""
    hosts = {headers.get("host", "").lower()}
    if trusted_proxies():
        hosts.add(headers.get("x-forwarded-host", "").split(",")[0].strip().lower())
    return hosts - {""}
