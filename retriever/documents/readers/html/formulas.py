"""Formulas as text on one line: MathML, TeX in scripts and in the descriptions of pictures, and raised characters."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from lxml import etree

UNSEEN = dict.fromkeys(map(ord, "\u2061\u2062\u2063\u2064"))  # function application, invisible times and the like
ANNOTATIONS = ("annotation", "annotation-xml")
TEX_SCRIPT = re.compile(r"math/(?:la)?tex", re.IGNORECASE)
TEX_PICTURE = re.compile(r"\b(?:math|tex|latex|equation|formula)", re.IGNORECASE)
DISPLAYED = re.compile(r"\s*\{\s*\\displaystyle(.*)\}\s*", re.DOTALL)  # what Wikipedia puts around each formula
EXPONENT = re.compile(r"[-+−–]?(?:\d+(?:[.,/]\d+)?|[nkm])[-+−]?|[-+−]")  # of a raised text; others are "st", "TM"
FORMULA = re.compile(r"\w[-+−=]\w")
ONE_THING = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)?")  # a word or a number


def write_formulas(body: etree._Element) -> None:
    """Put each formula's text in the place of its elements; that of a picture or a script becomes a `math` element."""
    for node in list(_outermost_math(body)):
        _become_text(node, linear_math(node))
    for node in list(body.iter("img")):
        alt = (node.get("alt") or "").strip()
        if (
            alt
            and node.get("aria-hidden") != "true"
            and (alt.startswith(("$", "\\", "{\\")) or TEX_PICTURE.search(node.get("class") or ""))
        ):
            _become_text(node, _plain_tex(alt))
    for node in list(body.iter("script")):
        if TEX_SCRIPT.match(node.get("type") or ""):
            before = node.getprevious()  # what a browser made of it, in a page that was saved after it was shown
            shown = before is not None and "MathJax" in (before.get("class") or "") and any(before.itertext())
            _become_text(node, "" if shown else (node.text or "").strip())


def _outermost_math(body: etree._Element) -> Iterator[etree._Element]:
    """Yield the formulas that are not within another."""
    for _, node in (walk := etree.iterwalk(body, events=("start",), tag="math")):
        walk.skip_subtree()
        yield node


def linear_math(math: etree._Element) -> str:
    """Return a MathML formula as a line of text, such as "x1 = -b/(2a)^2"; if it only holds TeX, that."""
    texts: dict[etree._Element, str] = {}
    tex = math.get("alttext") or ""
    for _, node in etree.iterwalk(math, events=("end",)):
        parts = [texts.pop(child) for child in node if child in texts]
        if node.tag in ANNOTATIONS:
            if not tex and "tex" in (node.get("encoding") or "").lower():
                tex = "".join(node.itertext())
            texts[node] = ""
        else:
            texts[node] = _write(str(node.tag), node, parts)
    return " ".join(texts[math].split()) or _plain_tex(tex)


def raised(text: str, before: str, has_link: bool) -> str:
    """Return a raised text as it is written after `before`: "^6" after "10", "[1]" for a footnote, "th" after "10"."""
    text = " ".join(text.split())
    if has_link and text.isdigit():
        return f"[{text}]"
    return f"^{text}" if before[-1:].strip() and EXPONENT.fullmatch(text) else text


def lowered(text: str, before: str) -> str:
    """Return a lowered text as it is written after `before`: "2" after "H", "_2" after "10"; "_i+1" is a formula."""
    text = " ".join(text.split())
    numbers = before[-1:].isdigit() and text[:1].isdigit()
    return f"_{text}" if numbers or (before[-1:].isalnum() and FORMULA.search(text)) else text


def _become_text(node: etree._Element, text: str) -> None:
    """Make an element a `math` element that holds only a text; the text after it stays."""
    del node[:]
    node.text = text
    node.tag = "math"


def _plain_tex(tex: str) -> str:
    """Return TeX without what marks it as such."""
    inner = DISPLAYED.fullmatch(tex)
    return " ".join((inner[1] if inner else tex).split()).strip("$ ")


def _write(tag: str, node: etree._Element, parts: Sequence[str]) -> str:  # noqa: C901 a list of the elements
    """Return an element of MathML as text, given that of its children."""
    first, second, third = (*parts, "", "", "")[:3]
    match tag:
        case "mi" | "mn" | "ms" | "mtext":
            return " ".join("".join([node.text or "", *parts]).split())
        case "mo":
            return (node.text or "").translate(UNSEEN).strip()
        case "mspace":
            return " "
        case "mphantom":
            return ""
        case "semantics":
            return first
        case "mfrac":
            return f"{_grouped(first)}/{_grouped(second)}"
        case "msqrt":
            return "√" + _grouped(_row(node, parts))
        case "mroot":
            return f"√[{second}]{_grouped(first)}"
        case "msup" | "mover":
            return first + (second if tag == "mover" and len(second) == 1 else _attached("^", second))
        case "msub" | "munder":
            return first + _index(first, second) + " " * (len(first) > 1)  # lim_x y
        case "msubsup" | "munderover":
            return first + _index(first, second) + _attached("^", third) + " " * (tag == "munderover")
        case "mtable":
            return "; ".join(parts)
        case "mtr" | "mlabeledtr":
            return ", ".join(parts)
        case "mfenced":
            return (node.get("open") or "(") + ", ".join(parts) + (node.get("close") or ")")
        case _:
            return _row(node, parts)


def _row(node: etree._Element, parts: Sequence[str]) -> str:
    """Return parts side by side: a blank around operators, and where two words or two numbers meet."""
    written = ""
    for child, part in zip(node, parts, strict=False):
        if child.tag == "mo" and written.strip() and _spaced(part):
            written = f"{written.rstrip()} {part} "
            continue
        meet = written[-1:].isdigit() and part[:1].isdigit()
        words = written[-2:].isalpha() and len(written) > 1 and part[:1].isalpha()
        written += (
            f" {part}" if meet or words or (len(part) > 1 and part.isalpha() and written[-1:].isalpha()) else part
        )
    return written


def _spaced(operator: str) -> bool:
    """Return whether blanks stand around an operator."""
    return operator == "-" or (len(operator) == 1 and unicodedata.category(operator) == "Sm" and operator not in "/√¬|")


def _grouped(part: str) -> str:
    """Return a part in parentheses, unless it is one number or word."""
    part = part.strip()
    return part if len(part) < 2 or ONE_THING.fullmatch(part) else f"({part})"


def _attached(mark: str, part: str) -> str:
    """Return a part after a mark that says where it stands, or nothing for no part."""
    return mark + (part.strip() if EXPONENT.fullmatch(part.strip()) else _grouped(part)) if part.strip() else ""


def _index(base: str, part: str) -> str:
    """Return an index as it is written after its base: glued to a single letter, if it is one number or word."""
    part = part.strip()
    return part if len(base) == 1 and base.isalpha() and part.isalnum() else _attached("_", part)
