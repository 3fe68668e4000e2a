"""Elements of a Word file's XML by local name: Strict and Transitional files differ only in their namespaces."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

WRAPPERS = ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "dir", "bdo")  # around what is visible
OFF = ("0", "false", "off", "none")


def parse_xml(data: bytes) -> "_Element":
    """Parse a part that nobody vouches for: no entities, no DTD, nothing from outside, at most 256 levels deep.

    Raises XMLSyntaxError.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    return etree.fromstring(data.lstrip(b" \t\r\n"), parser)


def name_of(element: "_Element") -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: "_Element") -> "Iterator[tuple[str, _Element]]":
    """Yield the elements directly below, with their names."""
    for child in element.iterchildren("{*}*"):
        yield child.tag.rpartition("}")[2], child


def children_named(element: "_Element", name: str) -> "Iterator[_Element]":
    """Yield the children of a name, those in content controls, custom XML and insertions at any depth included."""
    for found, child in children(element):
        if found == name:
            yield child
        elif found in WRAPPERS:
            yield from children_named(child, name)


def child_of(element: "_Element | None", *path: str) -> "_Element | None":
    """Return the first child of a name, or what such a path of names leads to; None if there is none."""
    for name in path:
        if element is None:
            return None
        element = next(element.iterchildren(f"{{*}}{name}"), None)
    return element


def attribute(element: "_Element | None", name: str = "val", default: str = "") -> str:
    """Return an attribute by its name without a namespace, or the default if it or the element is missing."""
    if element is not None:
        for key, value in element.items():
            if key.rpartition("}")[2] == name:
                return str(value)
    return default


def number(element: "_Element | None", name: str = "val", default: int | None = None) -> int | None:
    """Return an attribute that is a whole number of at most nine digits, else the default."""
    text = attribute(element, name).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def is_on(element: "_Element | None") -> bool:
    """Return whether a property that is present is not switched off."""
    return element is not None and attribute(element, "val", "1").lower() not in OFF
