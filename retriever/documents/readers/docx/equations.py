"""Equations of Word (OMML) as one line of text, written as one would type them: 1/2, x^3, √(a+b), ∑_(i=1)^n."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from retriever.documents.readers.docx.xml import attribute, child_of, children, is_on

if TYPE_CHECKING:
    from lxml.etree import _Element

UNSEEN = ("del", "moveFrom", "ctrlPr", "rPr")
SCRIPTS = ("sSup", "sSub", "sSubSup")
PRODUCT = re.compile(r"\d[^\W\d_]")  # 2a, which is more than one symbol
FIELD_FORM = re.compile(r"\\(?P<name>[frs])(?P<switches>(?: ?\\[a-z]{2,3}[0-9]{0,3})*) ?\((?P<inside>[^()\\]*)\)", re.I)
MAX_NESTED = 10  # forms of an equation field, one inside the other
ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}
WORDED = frozenset("+-−±∓=<>≤≥≠≈,; /^_·×∙⋅∑∫∏√")  # signs that make an operand more than one symbol


def equation_text(element: "_Element") -> str:
    """Return an equation, or a part of one, as a line of text."""
    written, after_script = [], False
    for name, child in children(element):
        if name in UNSEEN or name.endswith("Pr"):
            continue
        text = _plain(child.text or "") if name == "t" else FORMS.get(name, equation_text)(child)
        written.append(f" {text}" if after_script and text[:1].isalnum() else text)  # x^2 y, which is not x^2y
        after_script = name in SCRIPTS and ("^" in text or "_" in text)
    return "".join(written)


def _plain(text: str) -> str:
    """Return text with the italic, bold and script letters of mathematics as ordinary ones."""
    return "".join(unicodedata.normalize("NFKC", s) if "\U0001d400" <= s <= "\U0001d7ff" else s for s in text)


def _part(element: "_Element", name: str) -> str:
    """Return the text of a named part of a form."""
    part = child_of(element, name)
    return "" if part is None else equation_text(part).strip()


def _operand(element: "_Element", name: str) -> str:
    """Return the text of a part, in parentheses if they are needed to keep it together."""
    text = _part(element, name)
    bracketed = text[:1] in "([{|" and text[-1:] in ")]}|" and not set("()[]{}|") & set(text[1:-1])
    return f"({text})" if (WORDED & set(text) or PRODUCT.search(text)) and not bracketed else text


def _setting(element: "_Element", name: str, default: str) -> str:
    """Return a setting of a form: the value of the named element in its properties."""
    properties = next((child for found, child in children(element) if found.endswith("Pr")), None)
    found = child_of(properties, name)
    return default if found is None else attribute(found, "val")


def _hidden(element: "_Element", name: str) -> bool:
    """Return whether the properties of a form hide something."""
    properties = next((child for found, child in children(element) if found.endswith("Pr")), None)
    return is_on(child_of(properties, name))


def _fraction(element: "_Element") -> str:
    bar = "¦" if _setting(element, "type", "bar") == "noBar" else "/"
    return f"{_operand(element, 'num')}{bar}{_operand(element, 'den')}"


def _scripts(element: "_Element") -> str:
    """Return a base with what stands below and above it."""
    base, below, above = _operand(element, "e"), _operand(element, "sub"), _operand(element, "sup")
    mark = "" if base[-1:].isalpha() and below.isdigit() else "_"  # H2O, x1
    return base + (f"{mark}{below}" if below else "") + (f"^{above}" if above else "")


def _scripts_before(element: "_Element") -> str:
    below, above = _operand(element, "sub"), _operand(element, "sup")
    return (f"_{below}" if below else "") + (f"^{above}" if above else "") + _operand(element, "e")


def _root(element: "_Element") -> str:
    degree = "" if _hidden(element, "degHide") else _operand(element, "deg")
    return f"{ROOTS.get(degree, f'{degree}√')}{_operand(element, 'e')}"


def _with_limits(element: "_Element") -> str:
    """Return a sum, product or integral with its limits."""
    below = "" if _hidden(element, "subHide") else _operand(element, "sub")
    above = "" if _hidden(element, "supHide") else _operand(element, "sup")
    sign = _setting(element, "chr", "∫")
    return sign + (f"_{below}" if below else "") + (f"^{above}" if above else "") + f" {_part(element, 'e')}"


def _limit(sign: str) -> Callable[["_Element"], str]:
    return lambda element: f"{_part(element, 'e')}{sign}{_operand(element, 'lim')}"


def _brackets(element: "_Element") -> str:
    between = _setting(element, "sepChr", "|")
    inside = between.join(equation_text(child) for name, child in children(element) if name == "e")
    return _setting(element, "begChr", "(") + inside + _setting(element, "endChr", ")")


def _function(element: "_Element") -> str:
    name, argument = _part(element, "fName"), _part(element, "e")
    return f"{name}{argument}" if argument.startswith("(") else f"{name} {argument}"


def _rows(element: "_Element") -> str:
    """Return the rows of a matrix or the lines of a system of equations."""
    rows = []
    for name, child in children(element):
        if name == "mr":
            rows.append(", ".join(equation_text(cell).strip() for found, cell in children(child) if found == "e"))
        elif name == "e":
            rows.append(equation_text(child).replace("&", "").strip())
    return "; ".join(rows)


def _accent(element: "_Element") -> str:
    return unicodedata.normalize("NFC", _part(element, "e") + _setting(element, "chr", "\u0302"))


def _bar(element: "_Element") -> str:
    return _part(element, "e") + ("\u0305" if _setting(element, "pos", "bot") == "top" else "\u0332")


def _phantom(element: "_Element") -> str:
    return "" if _setting(element, "show", "1") in ("0", "off", "false") else _part(element, "e")


FORMS: Mapping[str, Callable[["_Element"], str]] = {
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": _scripts_before,
    "rad": _root,
    "nary": _with_limits,
    "limLow": _limit("_"),
    "limUpp": _limit("^"),
    "d": _brackets,
    "func": _function,
    "m": _rows,
    "eqArr": _rows,
    "acc": _accent,
    "bar": _bar,
    "phant": _phantom,
}


def field_equation(instructions: str) -> str:
    r"""Return an equation of a field: \f(1,2) as 1/2, \r(3,x) as ∛x, x\s\up8(2) as x^2; what is not known as it is."""
    text = instructions.strip()[len("EQ") :].strip()
    for _ in range(MAX_NESTED):
        text, count = FIELD_FORM.subn(_field_form, text)
        if not count:
            break
    return text


def _field_form(match: re.Match[str]) -> str:
    """Return a form of an equation field whose arguments hold no other."""
    name, switches, inside = match["name"].lower(), match["switches"].lower(), match["inside"]
    first, _, second = (part.strip() for part in inside.replace(";", ",").partition(","))
    if name == "f":
        return f"{_together(first)}/{_together(second)}"
    if name == "r":
        degree, root = (first, second) if second else ("", first)
        return f"{ROOTS.get(degree, f'{degree}√')}{_together(root)}"
    mark = "_" if "\\do" in switches else "^" if "\\up" in switches else ""
    return f"{mark}{_together(inside)}" if mark else inside.strip()


def _together(text: str) -> str:
    """Return an argument in brackets, if it is more than one symbol; the next form around it has parentheses."""
    return f"[{text}]" if WORDED & set(text) else text
