"""Encoding of a page: by its byte order mark, as UTF-8, by what it declares, else guessed."""

import codecs
import re

from retriever.documents.decoding import BYTE_ORDER_MARKS, decode, detect_type

HEAD_BYTES = 100_000  # of a page, in which the declaration is looked for
BAD_SHARE = 0.1  # of the bytes beyond ASCII that may be invalid in the declared encoding
DECLARATIONS = re.compile(  # comments and the text of these elements are matched first, and so passed over
    r"<!--.*?(?:-->|\Z)|<(script|style|title|textarea|xmp)\b.*?(?:</\1|\Z)|<meta\b([^>]{0,400})",
    re.DOTALL | re.IGNORECASE,
)
ATTRIBUTE = re.compile(r"(?<![\w-])([\w-]{1,30})\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([^\s\"';]+)", re.IGNORECASE)
XML_DECLARATION = re.compile(r"\s{0,99}<\?xml\b[^>]{0,200}?\bencoding\s{0,9}=\s{0,9}[\"']\s*([^\"'>]+)", re.IGNORECASE)

# What browsers take a label for (https://encoding.spec.whatwg.org/#names-and-labels), in the names of Python's codecs.
ENCODINGS = set(
    "utf-8 cp437 cp850 cp852 cp855 cp866 cp874 cp932 cp949 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 "
    "cp1258 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-10 iso8859-13 iso8859-14 "
    "iso8859-15 iso8859-16 koi8-r koi8-u mac-roman mac-cyrillic gb18030 big5hkscs euc_jp iso2022_jp".split()
)
SUPERSETS = {  # an encoding that is named means one that contains it
    **dict.fromkeys(("ascii", "iso8859-1"), "cp1252"),
    "iso8859-9": "cp1254",
    **dict.fromkeys(("iso8859-11", "tis-620"), "cp874"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    **dict.fromkeys(("big5", "cp950"), "big5hkscs"),
    **dict.fromkeys(("utf-16", "utf-16-le", "utf-16-be"), "utf-8"),  # the declaration itself is read as ASCII
}
LABELS = {  # those that no codec of Python has, nor the rules of _codec_label bring to one
    **dict.fromkeys(("unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8"), "utf-8"),
    **dict.fromkeys(("visual", "logical"), "iso8859-8"),
    **dict.fromkeys(("koi", "koi8"), "koi8-r"),
    **dict.fromkeys(("mac", "csmacintosh"), "mac-roman"),
    **dict.fromkeys(("csgb2312", "gb_2312", "gb_2312-80"), "gb2312"),
    **dict.fromkeys(("cseuckr", "csksc56011987", "iso-ir-149", "ks_c_5601-1989", "ksc_5601"), "euc_kr"),
    "csisolatin9": "iso8859-15",
    "koi8-ru": "koi8-u",
    "sun_eu_greek": "iso8859-7",
    "mac-ukrainian": "mac-cyrillic",
    "cn-big5": "big5",
    "cseucpkdfmtjapanese": "euc_jp",
    "windows-31j": "cp932",
}


def decode_page(data: bytes) -> tuple[str, list[str]]:
    """Decode a page, and return sentences on what of it was replaced.

    A page that is valid UTF-8 is UTF-8 whatever it declares: the server's header, which is lost, said so. Raises
    DocumentError if the bytes are a file of another type, binary or in an unknown encoding.
    """
    encoding = ""
    if not detect_type(data) and not any(data.startswith(mark) for mark, _ in BYTE_ORDER_MARKS):
        encoding = declared_encoding(data)
    if encoding and not _means_utf8(data, encoding):
        text = data.decode(encoding, errors="replace")
        bad = text.count("\ufffd")
        if bad <= BAD_SHARE * len(data.translate(None, bytes(range(128)))):  # else it is a wrong declaration
            notes = [f"Characters that are not valid in the declared encoding, {encoding}, were replaced: {bad:,}."]
            return text, notes if bad else []
    decoded = decode(data)
    return decoded.text, list(decoded.notes)


def declared_encoding(data: bytes) -> str:
    """Return the Python codec of the encoding that a page's meta tags or XML declaration name, or "" if none do."""
    head = data[:HEAD_BYTES].decode("latin-1")
    for match in DECLARATIONS.finditer(head):
        attributes = {name.lower(): a or b or c for name, a, b, c in ATTRIBUTE.findall(match[2] or "")}
        label = attributes.get("charset", "")
        if not label and attributes.get("http-equiv", "").lower() == "content-type":
            found = CHARSET.search(attributes.get("content", ""))
            label = found[1] if found else ""
        if encoding := codec_of(label):
            return encoding
    declaration = XML_DECLARATION.match(head)
    return codec_of(declaration[1]) if declaration else ""


def codec_of(label: str) -> str:
    """Return the Python codec of what browsers take an encoding's label for, or "" if it is none that pages are in."""
    name = re.sub(r"^(x-)+", "", label.strip().lower())
    name = re.sub(r"^iso_?-?8859-?(\d{1,2})(-[ei])?$", r"iso8859-\1", name)
    name = re.sub(r"^csiso8859(\d)[ei]$", r"iso8859-\1", name)
    name = re.sub(r"^(windows|dos)-(?=\d+$)", "cp", name)
    try:
        codec = codecs.lookup(LABELS.get(name, name)).name
    except (LookupError, ValueError):  # unknown, or with a NUL
        return ""
    codec = SUPERSETS.get(codec, codec)
    return codec if codec in ENCODINGS else ""


def _means_utf8(data: bytes, declared: str) -> bool:
    """Return whether a page is UTF-8, whatever it declares.

    Few two-byte characters of East Asian encodings may look like UTF-8 by chance, but like its Latin to Arabic letters.
    """
    if declared == "iso2022_jp":
        return b"\x1b" not in data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    if declared not in ("gb18030", "big5hkscs", "cp949", "cp932", "euc_jp") or max(text, default="") >= "\u0800":
        return True
    return not any(char.isalpha() for char in set(text) if char > "\x7f")
