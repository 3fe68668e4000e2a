"""Text of a page's elements: blocks, which blank lines, line ends and borders between cells keep apart."""

import re
from itertools import islice

from lxml import etree

from retriever.documents.readers.html.formulas import lowered, raised
from retriever.documents.readers.html.lists import ListNumbers

CELL, LINE, PARAGRAPH = 1, 2, 3  # borders between blocks; of several, the greatest counts
BORDERS = ("", " | ", "\n", "\n\n")
BORDER_OF = {
    **dict.fromkeys(("td", "th"), CELL),
    **dict.fromkeys(
        "div li dt dd tr caption thead tbody tfoot legend figcaption summary center dir textarea dialog text".split(),
        LINE,
    ),
    **dict.fromkeys(
        "p h1 h2 h3 h4 h5 h6 ul ol dl table pre xmp listing blockquote section article main header footer nav aside "
        "figure hr address details fieldset form body hgroup search menu".split(),
        PARAGRAPH,
    ),
}
KEEP_BLANKS = {"pre", "xmp", "listing", "textarea"}
APART = {"button", "label", "img", "output"}  # inline, but with a blank to the words beside them
AROUND = {"rt": ("(", ")"), "q": ("“", "”")}
BLOCK_STYLE = re.compile(r"display\s*:\s*(?:block|flex|grid|table|list-item)\b", re.IGNORECASE)
BLANKS = re.compile(r"[ \t\n\r\f\xa0]+")  # Unicode's other blanks stay as they are
LONG = 100  # characters from which on the text of a `div` is a paragraph
MAX_RAISED = 40  # characters of a text that is raised or lowered; more of it is unclosed markup


class BlockWriter:
    """Writer of a text in blocks."""

    def __init__(self) -> None:
        self.blocks: list[str] = []  # with the borders between them
        self.parts: list[str] = []  # of the block that is being written
        self.last = ""  # characters of it, up to the end
        self.border = 0  # before it
        self.marker = ""  # of the list item that it begins
        self.depth_of_pre = 0  # elements around it that keep blanks
        self.numbers = ListNumbers()

    def write(self, text: str | None) -> None:
        """Add text to the block; outside of `pre`, its blanks become one."""
        if text and not self.depth_of_pre:
            text = BLANKS.sub(" ", text)
            if text[0] == " " and (not self.last or self.last[-1] in " \n"):
                text = text[1:]
        if text:
            self.parts.append(text)
            self.last = text

    def break_line(self) -> None:
        """Add a line end; more than two of them are two."""
        if self.parts[-2:] != ["\n", "\n"]:
            self.parts.append("\n")
            self.last = "\n"

    def end_block(self, border: int, border_if_long: int = 0) -> None:
        """End the block, and set the border between it and the next, unless a greater one is set."""
        text = "".join(self.parts)
        text = text.strip("\n").rstrip() if self.depth_of_pre else text.replace(" \n", "\n").strip(" \n")
        if text:
            if len(text) >= LONG:
                border = max(border, border_if_long)
                self.border = max(self.border, border_if_long)
            self.blocks += [BORDERS[self.border] if self.blocks else "", self.marker, text]
            self.border, self.marker = 0, ""
        self.parts, self.last = [], ""
        self.border = max(self.border, border)


def page_text(body: etree._Element) -> str:
    """Return the text of an element, all of which is read."""
    writer = BlockWriter()
    for event, node in (walk := etree.iterwalk(body, events=("start", "end"))):
        if event == "start":
            if _write_shifted(writer, node):
                walk.skip_subtree()
            else:
                _start(writer, node)
        else:
            _end(writer, node)
            if node is not body:
                writer.write(node.tail)
    writer.end_block(0)
    return "".join(writer.blocks)


def _start(writer: BlockWriter, node: etree._Element) -> None:
    """Write what stands before an element's content, and its first text."""
    tag = str(node.tag)
    if border := _border(node, tag):
        writer.end_block(border, PARAGRAPH if tag == "div" else 0)
        if tag == "li":
            writer.marker = writer.numbers.marker(node)
        writer.depth_of_pre += tag in KEEP_BLANKS
    elif tag == "br":
        writer.break_line()
    elif _is_apart(node, tag):
        writer.write(" ")
    elif tag in AROUND:
        writer.write(AROUND[tag][0])
    writer.write(node.text)


def _end(writer: BlockWriter, node: etree._Element) -> None:
    """Write what stands after an element's content."""
    tag = str(node.tag)
    if border := _border(node, tag):
        writer.end_block(border, PARAGRAPH if tag == "div" else 0)
        writer.depth_of_pre -= tag in KEEP_BLANKS
        if tag == "li":
            writer.marker = ""
    elif tag in APART or "-" in tag:
        writer.write(" ")
    elif tag in AROUND:
        writer.write(AROUND[tag][1])


def _border(node: etree._Element, tag: str) -> int:
    """Return the border before and after an element, or 0 if it is inline or all that a table's cell holds."""
    border = BORDER_OF.get(tag, 0)
    if border < LINE or tag in KEEP_BLANKS:
        return LINE if not border and _is_block(node, tag) else border
    return 0 if tag in ("div", "p", "center") and _fills_cell(node) else border


def _is_block(node: etree._Element, tag: str) -> bool:
    """Return whether an element that is inline by its name is a block in this page."""
    style = node.get("style")
    return bool(style and BLOCK_STYLE.search(style)) or (tag == "math" and node.get("display") == "block")


def _is_apart(node: etree._Element, tag: str) -> bool:
    """Return whether a blank stands before an inline element: most links side by side are in a menu."""
    if tag == "a":
        before = node.getprevious()
        return before is not None and before.tag == "a" and not before.tail
    return tag in APART or "-" in tag  # elements that the page defines itself


def _fills_cell(node: etree._Element) -> bool:
    """Return whether an element is all that a table's cell holds."""
    for _ in range(4):
        parent = node.getparent()
        if parent is None or node.getprevious() is not None or node.getnext() is not None:
            return False
        if (parent.text or "").strip() or (node.tail or "").strip():
            return False
        if parent.tag in ("td", "th"):
            return True
        node = parent
    return False


def _write_shifted(writer: BlockWriter, node: etree._Element) -> bool:
    """Write a short raised or lowered text, and return whether it was one."""
    if node.tag not in ("sub", "sup"):
        return False
    inside = list(islice(node.iter(), 10))
    text = "".join((one.text or "") + (one.tail or "" if one is not node else "") for one in inside)
    if len(text) > MAX_RAISED or len(inside) == 10 or any(one.tag in BORDER_OF or one.tag == "br" for one in inside):
        return False
    before = writer.last
    if node.tag == "sub":
        writer.write(lowered(text, before))
    elif (node.tail or "").startswith(("/", "⁄")):  # a fraction: 3 1/2
        writer.write(f" {text}" if before[-1:].isdigit() else text)
    else:
        writer.write(raised(text, before, any(one.tag == "a" for one in inside)))
    return True
