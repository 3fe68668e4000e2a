"""Main part of a page: what is left of it without menus, side columns, footers and cookie banners."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from retriever.documents.readers.html.tree import around, remove

MAIN_SHARE, ARTICLE_SHARE = 0.5, 0.7  # of the page's prose that `main` or the only `article` holds at least
UNSAID_SHARE = 0.2  # of the prose that may be outside of them without a note
TAGGED_SHARE, NAMED_SHARE = 0.8, 0.3  # of the prose that no menu or footer holds, marked by its tag or by its name
LINKED, LISTED = 0.5, 0.8  # share of its text in links, of a menu that is named one, and of one that is not
SHORT_LINK = 20  # characters that the links of an unnamed menu at the end of a page have on average
PROSE = 80  # characters outside of links that a paragraph has at least
MANY_LINKS = 3  # of such a menu, at least
MENU_SHARE = 0.5  # of the page's text, that such menus hold at most; else they are content
MIN_PROSE = 20  # characters of prose in a page that has a main part

MENU_ROLES = {"navigation", "menu", "menubar", "toolbar", "search", "tablist", "dialog", "alertdialog"}
OUTER_TAGS, OUTER_ROLES = {"header", "footer", "aside"}, {"banner", "contentinfo", "complementary"}
NAME = r"(?:^|[\s_-])(?:{})(?:$|[\s_-])"
MENU_NAMES = re.compile(
    NAME.format(
        r"(?:nav|navi|menu)(?:bar|box|igation|item|s)?|breadcrumbs?|pagination|pager|topbar|editsection|skip|"
        r"skiplink|tags|related"
    ),
    re.IGNORECASE,
)
CONTENTS_NAMES = re.compile(NAME.format(r"toc|contents|table-?of-?contents"), re.IGNORECASE)
OUTER_NAMES = re.compile(
    NAME.format(r"footer|sidebar|masthead|newsletter|subscribe|shar(?:e|ing)|social|promo|advert\w*|ads?|recommended"),
    re.IGNORECASE,
)
CONSENT_NAMES = re.compile(r"cookie|consent|gdpr", re.IGNORECASE)
ANSWER_NAMES = re.compile(r"comment|answer|repl(?:y|ies)|discussion|thread|disqus|respon[ds]", re.IGNORECASE)
LISTS = {"ul", "ol", "div", "td", "table", "section", "p", "dl", "center"}

WHOLE = "No main part was found in the page, so all of it was read, menus included."
MARKED = "Only the part of the page that is marked as its main one was read: {:.0%} of the text that is in no menu."
MENUS = "Lists of links at the start or the end of the page were taken for menus and left out."


@dataclass(slots=True)
class Size:
    """Characters of an element's text, those of them in links, and the number of its links."""

    text: int = 0
    linked: int = 0
    links: int = 0

    @property
    def prose(self) -> int:
        """Characters outside of links."""
        return self.text - self.linked


def keep_main_part(body: etree._Element) -> list[str]:
    """Take out of a page what is not its main part, and return sentences on what was a guess."""
    sizes = _sizes(body)
    furniture = list(_marked_furniture(body, sizes))
    if sizes[body].prose - sum(sizes[node].prose for node in furniture) < MIN_PROSE:
        return [WHOLE] if furniture else []
    for node in furniture:
        remove(node)
    sizes = _sizes(body)
    prose = sizes[body].prose
    for tag, share in (("main", MAIN_SHARE), ("article", ARTICLE_SHARE)):
        parts = set(_outermost(body, tag))
        if parts and sum(sizes[part].prose for part in parts) >= share * prose and (tag == "main" or len(parts) == 1):
            _keep_only(body, parts | {node for node in body.iter() if _is_named(node, ANSWER_NAMES)})
            kept = _sizes(body)[body].prose / prose
            return [MARKED.format(kept)] if kept < 1 - UNSAID_SHARE else []
    menus = _unmarked_menus(body, sizes)
    if sum(sizes[node].text for node in menus) > MENU_SHARE * sizes[body].text:
        return [WHOLE]
    for node in menus:
        remove(node)
    return [MENUS] if menus else []


def _sizes(body: etree._Element) -> dict[etree._Element, Size]:
    """Return the size of each element."""
    sizes: dict[etree._Element, Size] = {}
    for event, node in etree.iterwalk(body, events=("start", "end")):
        if event == "start":
            sizes[node] = Size(len((node.text or "").strip()))
            continue
        size, parent = sizes[node], node.getparent()
        if node.tag == "a":
            size.linked, size.links = size.text, 1
        if parent is not None and node is not body:
            above = sizes[parent]
            above.text += size.text + len((node.tail or "").strip())
            above.linked += size.linked
            above.links += size.links
    return sizes


def _marked_furniture(body: etree._Element, sizes: dict[etree._Element, Size]) -> Iterator[etree._Element]:
    """Yield what is marked as a menu, side column, footer or banner; none of these is within another."""
    within = 0  # elements around it that hold content
    total = sizes[body].prose
    titled = around(body.iter("h1"))
    for event, node in (walk := etree.iterwalk(body, events=("start", "end"))):
        content = node.tag in ("main", "article") or node.get("role") == "main"
        if event == "end":
            within -= content
            continue
        within += content
        kept = node is body or content or (node.tag in OUTER_TAGS and node in titled)
        most = 0 if kept else _furniture_share(node, sizes[node], bool(within))
        is_page = 2 * sizes[node].text > sizes[body].text and _is_named(node, CONTENTS_NAMES)  # a manual's first page
        if most and sizes[node].prose <= most * total and not is_page:
            walk.skip_subtree()
            yield node


def _furniture_share(node: etree._Element, size: Size, within: bool) -> float:
    """Return which share of the page's prose an element holds at most if it is furniture, 0 if nothing says that it is.

    within: whether it is in the main part or an article, which have headers and asides of their own.
    """
    role = node.get("role", "")
    if node.tag == "nav" or role in MENU_ROLES or _is_named(node, CONSENT_NAMES):
        return TAGGED_SHARE
    linked = size.linked >= LINKED * size.text
    if linked and (_is_named(node, MENU_NAMES) or _is_named(node, CONTENTS_NAMES)):
        return TAGGED_SHARE
    if within or _is_named(node, ANSWER_NAMES):
        return 0
    if node.tag in OUTER_TAGS or role in OUTER_ROLES:
        return TAGGED_SHARE
    return NAMED_SHARE if _is_named(node, OUTER_NAMES) else 0


def _is_named(node: etree._Element, names: re.Pattern[str]) -> bool:
    """Return whether an element has such a class or id."""
    given = f"{node.get('class') or ''} {node.get('id') or ''}"
    return len(given) > 1 and names.search(given) is not None


def _outermost(body: etree._Element, tag: str) -> Iterator[etree._Element]:
    """Yield the elements of a tag, or of the role of the same name, that are not within another."""
    for _, node in (walk := etree.iterwalk(body, events=("start",))):
        if node is not body and (node.tag == tag or node.get("role") == tag):
            walk.skip_subtree()
            yield node


def _keep_only(body: etree._Element, parts: set[etree._Element]) -> None:
    """Take out all but some parts and the elements that they are in."""
    path = around(parts)
    waiting = [body]
    while waiting:
        for child in list(waiting.pop()):
            if child in path and child not in parts:
                waiting.append(child)
            elif child not in parts:
                remove(child)


def _unmarked_menus(body: etree._Element, sizes: dict[etree._Element, Size]) -> list[etree._Element]:
    """Return the lists of links before the first heading or paragraph, and those of short links after the last."""
    before: list[etree._Element] = []
    after: list[etree._Element] = []
    started = False
    for _, node in (walk := etree.iterwalk(body, events=("start",))):
        size = sizes[node]
        if node.tag in LISTS and size.links >= MANY_LINKS and size.linked >= LISTED * size.text:
            walk.skip_subtree()
            if not started:
                before.append(node)
            elif size.linked <= SHORT_LINK * size.links:
                after.append(node)
        elif _is_prose(node, size):
            started = True
            after.clear()
    return before + after


def _is_prose(node: etree._Element, size: Size) -> bool:
    """Return whether an element is a heading, a paragraph, or has much text of its own."""
    if node.tag in ("h1", "h2") or (node.tag in ("p", "pre", "blockquote", "dd") and size.prose >= PROSE):
        return True
    return max(len((node.text or "").strip()), len((node.tail or "").strip())) >= PROSE
