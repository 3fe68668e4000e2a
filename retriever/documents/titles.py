"""Which titles of files are titles: programs write a file's name, or that there is no title, where one belongs."""

import re
from pathlib import PurePath

DOCUMENT_SUFFIXES = (
    "aspx?|cdr|dot[cx]?|dvi|docx?|eps|fm|fodt|gif|html?|indd?|jpe?g|jsp|key|lwp|md|odp|ods|odt|p65|pages|pdf|php|pmd|png"
    "|pptx?|ps|pub|qxd|qxp|rtf|tex|tiff?|txt|vsdx?|wpd|wps|xlsx?|xml"
)
FILE_NAME = re.compile(rf".*\.({DOCUMENT_SUFFIXES})(:.{{0,40}})?", re.IGNORECASE | re.DOTALL)  # "a.qxd:Layout 1"
PATH = re.compile(r"(file|https?)://\S*|[a-z]:\\.*|\\\\[^\s\\]+\\.*|/[^\s/]+/\S*", re.IGNORECASE)
PRINTED = re.compile(r"(microsoft|openoffice|libreoffice) (office )?\w+ *[-–—] ", re.IGNORECASE)  # by a printer driver
SCANNED = re.compile(r"(scan|scanned|img|image|doc|document|fax)[-_ ]?\d{3,}[-_\d]*", re.IGNORECASE)
NO_TITLE = re.compile(
    r"no ?title|title|none|null|n/a|unknown|(power ?point )?presentation|untitled (document|page|presentation)"
    r"|(untitled|unnamed|unbenannt|sans titre|sin t[ií]tulo|senza titolo|sem t[ií]tulo|naamloos|ohne titel|без названия"
    r"|(word )?document|dokument|documento|документ|slide|folie|diapositiv[ae]|dia|page|sheet|book|layout)[\W\d_]*"
    r"|(microsoft (office )?)?(word|excel|power ?point)([- ](document|presentation|worksheet|template))?"
    r"|pr[eé]sentation power ?point|power ?point[- ]pr[aä]sentation|presentación de power ?point|kein folientitel"
    r"|presentazione (standard di )?power ?point|apresentação do power ?point|powerpoint-presentatie"
    r"|(blank|full) page( photo)?|scanned (document|image)s?|new document|print|(adobe )?(acrobat )?pdf( document)?",
    re.IGNORECASE,
)
BROKEN = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")  # characters that only a wrong encoding gives


def real_title(title: str, source: str) -> str:
    """Return a file's title, or "" if it only names a file or a program, or says that there is no title.

    source: the name of the file.
    """
    words = title.strip(" <>()[]\"'")
    names = (source, PurePath(source).name, PurePath(source).stem)
    empty = not any(map(str.isalnum, words)) or words in names
    kinds = (FILE_NAME, PATH, SCANNED, NO_TITLE)
    if empty or BROKEN.search(words) or PRINTED.match(words) or any(kind.fullmatch(words) for kind in kinds):
        return ""
    return title
