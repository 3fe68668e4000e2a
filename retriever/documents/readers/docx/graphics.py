"""The words and numbers in charts and SmartArt diagrams, and the size of pictures."""

import re
from typing import TYPE_CHECKING

from retriever.documents.readers.docx.xml import attribute, child_of, children, name_of, number

if TYPE_CHECKING:
    from lxml.etree import _Element

PAGE_WIDE, PAGE_HIGH = 4_500_000, 5_500_000  # 12.5 and 15.3 cm in EMU; a picture beyond both fills most of a page
EMU = {"pt": 12_700, "in": 914_400, "cm": 360_000, "mm": 36_000, "px": 9_525}
SIZE = re.compile(r"(?:^|;)\s*(width|height):\s*(\d{1,6})(?:\.\d*)?(pt|in|cm|mm|px)")  # in the style of a VML shape
MAX_POINTS = 100  # of a series of a chart; a chart of more shows a shape rather than values


def chart_text(root: "_Element") -> str:
    """Return a chart's titles, and a line for each series: its name and its values with what they are of."""
    lines = [_words(title) for title in root.iter("{*}title")]
    for series in root.iter("{*}ser"):
        categories = _points(series, "cat", "xVal")
        values = _points(series, "val", "yVal")
        named = [f"{categories.get(place, '')} {value}".strip() for place, value in values.items()]
        name = _words(child_of(series, "tx"))
        lines.append(f"{name}: {_listed(named)}" if name and named else name or _listed(named))
    for data in root.iter("{*}strDim", "{*}numDim"):  # of the kinds of charts that came with Office 2016
        lines.append(_listed([(point.text or "").strip() for point in data.iter("{*}pt")]))
    return "\n".join(line for line in lines if line)


def diagram_text(root: "_Element") -> str:
    """Return the text of a SmartArt diagram's data, a line for each shape."""
    lines = []
    for point in root.iter("{*}pt"):
        if attribute(point, "type", "node") in ("node", "asst"):
            lines.append(_words(point))
    return "\n".join(line for line in lines if line)


def fills_page(picture: "_Element") -> bool:
    """Return whether a picture is as large as a scan of a page."""
    if name_of(picture) == "imagedata":
        style = attribute(picture.getparent(), "style")[:1000]
        sizes = {name: int(value) * EMU[unit] for name, value, unit in SIZE.findall(style)}
        wide, high = sizes.get("width", 0), sizes.get("height", 0)
    else:
        size = next((size for size in picture.iter("{*}ext") if "cx" in size.attrib), None)
        wide, high = number(size, "cx", 0) or 0, number(size, "cy", 0) or 0
    return wide >= PAGE_WIDE and high >= PAGE_HIGH


def _words(element: "_Element | None") -> str:
    """Return the typed or stored text below an element on one line, its paragraphs apart."""
    parts: list[str] = []
    for found in element.iter("{*}p", "{*}t", "{*}v", "{*}br") if element is not None else ():
        parts.append((found.text or "") if name_of(found) in ("t", "v") else " ")
    return " ".join("".join(parts).split())


def _points(series: "_Element", *names: str) -> dict[str, str]:
    """Return the stored points of a series by their places, from the first of the named elements that it has."""
    source = next((child for name, child in children(series) if name in names), None)
    found: dict[str, str] = {}
    for point in source.iter("{*}pt") if source is not None else ():
        value = child_of(point, "v")
        found.setdefault(attribute(point, "idx"), "" if value is None else (value.text or "").strip())
    return found


def _listed(values: list[str]) -> str:
    """Return values in a line; from MAX_POINTS on they are counted."""
    more = len(values) - MAX_POINTS
    return "; ".join(values[:MAX_POINTS]) + (f"; and {more:,} more" if more > 0 else "")
