"""Reader of Markdown files."""

import re
from collections.abc import Iterator

from retriever.documents.decoding import decode
from retriever.documents.document import FileContent, Section

MAX_TITLE = 300  # characters; longer paragraphs above a line of dashes are text
FRONT_MATTER = {"---": ("---", "..."), "+++": ("+++",)}  # opening line -> closing ones: YAML, TOML
FRONT_KEY = re.compile(r"[\"']?[\w-]+[\"']?[ \t]*[:=]")
FRONT_TITLE = re.compile(r"[\"']?title[\"']?[ \t]*[:=][ \t]*(.*)", re.IGNORECASE)
FENCE = re.compile(r" {0,3}(?:(?:[-*+]|\d{1,9}[.)]) {1,4}){0,4}(```+(?=[^`]*$)|~~~+)")  # also of a list's item
HTML = re.compile(r" {0,3}<(!--|(?:pre|script|style|textarea)(?=[\s>]|$))", re.IGNORECASE)
HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(\S.*)")
UNDERLINE = re.compile(r" {0,3}(?:=+|--+)[ \t]*$")
NO_PARAGRAPH = re.compile(r" {4}|\t|[ ]{0,3}(?:[-*+>|<]|\d{1,9}[.)] |#)")


def read_md(data: bytes) -> FileContent:
    """Read Markdown as one section, markup included; its title is that of the front matter, else the first heading."""
    decoded = decode(data)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    front = _front_matter(lines)
    title = _front_title(front) or next(_headings(lines[len(front) :]), "")
    return FileContent([Section(text, title)], notes=decoded.notes)


def _front_matter(lines: list[str]) -> list[str]:
    """Return the lines of the front matter, both marks included; none if the first mark is a rule above text."""
    closing = FRONT_MATTER.get(lines[0].rstrip(), ())
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() in closing), 0)
    keys = (line for line in lines[1:end] if line.strip() and not line.startswith("#"))
    first = next(keys, "")
    return lines[: end + 1] if end and (not first or FRONT_KEY.match(first) or first[0] == "[") else []


def _front_title(front: list[str]) -> str:
    """Return the title that front matter gives: on the line of its key, or on the indented ones below it."""
    for number, line in enumerate(front):
        if match := FRONT_TITLE.match(line):
            value = match[1].strip()
            if not value or value[0] in "|>":
                below = []
                for indented in front[number + 1 :]:
                    if not indented.startswith((" ", "\t")):
                        break
                    below.append(indented.strip())
                value = " ".join(below)
            if value[:1] in ("'", '"') and (end := value.find(value[0], 1)) > 0:
                return value[1:end]
            return value.split(" #")[0].strip()
    return ""


def _headings(lines: list[str]) -> Iterator[str]:
    """Yield the headings outside code, comments and other HTML whose content is no Markdown."""
    paragraph: list[str] = []  # lines that an underline makes a heading
    rest = iter(lines)
    for line in rest:
        if fence := FENCE.match(line):
            _skip_fence(rest, fence[1])
        elif html := HTML.match(line):
            mark = "-->" if html[1] == "!--" else f"</{html[1].lower()}"
            if mark not in line.lower():
                next((one for one in rest if mark in one.lower()), "")
        elif heading := HEADING.match(line):
            if title := _heading_text(heading[1]):
                yield title
        elif paragraph and UNDERLINE.match(line):
            title = " ".join(paragraph)
            if len(title) <= MAX_TITLE:
                yield title
        elif line.strip() and (paragraph or not NO_PARAGRAPH.match(line)):
            paragraph.append(line[:MAX_TITLE].strip())
            continue
        paragraph = []


def _skip_fence(rest: Iterator[str], opening: str) -> None:
    """Pass over the lines of a code block: to a fence of the same signs that is at least as long, or to the end."""
    for line in rest:
        mark = line.strip()
        if len(mark) >= len(opening) and not mark.strip(opening[0]):
            return


def _heading_text(text: str) -> str:
    """Return a heading without a comment on its line and without closing number signs ("C#" keeps its own)."""
    begin = text.find("<!--")
    if begin >= 0 and (end := text.find("-->", begin)) > 0:
        text = text[:begin] + text[end + 3 :]
    text = text.rstrip()
    bare = text.rstrip("#")
    return bare.rstrip() if bare != text and bare[-1:] in ("", " ", "\t") else text
