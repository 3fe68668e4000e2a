"""Element tree of a page: parsed, and without what a browser does not show."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from lxml import etree

from retriever.documents.readers.html.formulas import write_formulas

NEVER_SHOWN = set(
    "script style template noscript head title desc metadata defs symbol meta link object embed applet audio video "
    "canvas map datalist select input progress meter iframe frame frameset noframes noembed rp xml".split()
)
HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
INLINE = set(
    "a abbr b bdi bdo big cite code data dfn em font i kbd label mark nobr q s samp small span strike strong sub sup "
    "time tt u var mjx-math".split()
)
ANCHOR_MARKS = {"¶", "§", "#", "\uf0c1", "🔗", "[edit]"}  # of the links from a heading to itself
MAX_TITLES = 20  # that are looked at: each icon may have one
MAX_NOSCRIPT = 50  # pieces of text of it that are kept


@dataclass
class Page:
    """A page's body, None if it has none, with what was taken out of it. frames: their sources."""

    body: etree._Element | None
    title: str = ""
    noscript: str = ""
    frames: list[str] = field(default_factory=list)
    is_frameset: bool = False
    has_scripts: bool = False
    hidden: int = 0  # characters of text in elements that say that they are hidden
    is_cut: bool = False  # nested so deeply that the parser stopped


def parse_page(text: str) -> Page:
    """Parse a page, write its formulas as text, and take out what a browser does not show."""
    text = re.sub(r"</br\b", "<br", text.replace("\0", ""), flags=re.IGNORECASE)
    if "xmlns:" in text:
        text = re.sub(r"<(/?)(?:m|mml|math):", r"<\1", text)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None:
        return Page(None)
    body = root.find("body")
    page = Page(body, _title(root), is_frameset=root.find("frameset") is not None)
    page.is_cut = any("Excessive depth" in error.message for error in parser.error_log)
    page.has_scripts = next(root.iter("script"), None) is not None
    noscripts = islice((text for node in outermost(root, "noscript") for text in node.itertext()), MAX_NOSCRIPT)
    page.noscript = " ".join(" ".join(noscripts).split())
    page.frames = [node.get("src") or "" for node in root.iter("iframe", "frame") if not _is_hidden(node)]
    if body is not None:
        write_formulas(body)
        formulas = around(body.iter("math"))  # they are hidden where a picture stands for them
        for node in list(_not_shown(body, formulas)):
            if node.tag not in NEVER_SHOWN:
                page.hidden += _shown_length(node)
            remove(node)
    return page


def outermost(root: etree._Element, *tags: str) -> Iterator[etree._Element]:
    """Yield the elements of these tags, but none within another."""
    for _, node in (walk := etree.iterwalk(root, events=("start",), tag=tags)):
        walk.skip_subtree()
        yield node


def around(nodes: Iterable[etree._Element]) -> set[etree._Element]:
    """Return the elements, and all that they are in."""
    found: set[etree._Element] = set()
    for node in nodes:
        for above in chain((node,), node.iterancestors()):
            if above in found:
                break
            found.add(above)
    return found


def _shown_length(node: etree._Element) -> int:
    """Return the characters of an element's text, scripts and the like aside."""
    length = 0
    for _, inner in (walk := etree.iterwalk(node, events=("start",))):
        if inner.tag in NEVER_SHOWN:
            walk.skip_subtree()
        else:
            length += len((inner.text or "").strip())
    return length


def remove(node: etree._Element) -> None:
    """Take an element out of its tree; the text after it stays."""
    parent, before, after = node.getparent(), node.getprevious(), node.tail
    if parent is None:
        return
    node.tail = None
    parent.remove(node)
    if after and before is not None:
        before.tail = (before.tail or "") + after
    elif after:
        parent.text = (parent.text or "") + after


def _title(root: etree._Element) -> str:
    """Return the page's title, which is none within a drawing, else the text of its first heading."""
    titles = (node for node in islice(root.iter("title"), MAX_TITLES) if next(node.iterancestors("svg"), None) is None)
    for node in (next(titles, None), next(root.iter("h1"), None)):
        if node is not None and (title := " ".join("".join(node.itertext()).split())):
            return title
    return ""


def _not_shown(body: etree._Element, formulas: set[etree._Element]) -> Iterator[etree._Element]:
    """Yield the elements that a browser does not show, and marks of links; none of them is within another."""
    for _, node in (walk := etree.iterwalk(body, events=("start",))):
        if node.tag in NEVER_SHOWN or (_is_hidden(node) and node not in formulas) or _is_anchor_mark(node):
            walk.skip_subtree()
            yield node


def _is_hidden(node: etree._Element) -> bool:
    """Return whether an element says that it is hidden."""
    if node.tag == "body":
        return False
    if node.tag in INLINE and node.get("aria-hidden") == "true":  # of a larger part: while a dialog was open
        return True
    return (
        (node.get("hidden") is not None and node.get("hidden") != "until-found")
        or HIDDEN_STYLE.search(node.get("style") or "") is not None
        or (node.tag == "dialog" and node.get("open") is None)
    )


def _is_anchor_mark(node: etree._Element) -> bool:
    """Return whether an element is a link that shows only a mark, such as those that documentation puts in headings."""
    return node.tag == "a" and not len(node) and (node.text or "").strip() in ANCHOR_MARKS
