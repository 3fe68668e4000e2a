"""Which titles of files are titles: programs write a file's name, or that there is no title, where one belongs."""

import re
from pathlib import PurePath

DOCUMENT_SUFFIXES = "dvi|docx?|fodt|html?|indd|key|md|odp|ods|odt|p65|pages|pdf|pptx?|ps|qxd|rtf|tex|txt|wpd|xlsx?"
FILE_NAME = re.compile(rf".*\.({DOCUMENT_SUFFIXES})", re.IGNORECASE | re.DOTALL)
PRINTED = re.compile(r"(microsoft|openoffice|libreoffice) (office )?\w+ *[-–—] ", re.IGNORECASE)  # by a printer driver
NO_TITLE = re.compile(
    r"no ?title|title|none|null|n/a|(power ?point )?presentation|untitled (document|page|presentation)"
    r"|(untitled|unnamed|unbenannt|sans titre|(word )?document|slide|page|sheet|book)[\W\d_]*",
    re.IGNORECASE,
)


def real_title(title: str, source: str) -> str:
    """Return a file's title, or "" if it only names a file or a program, or says that there is no title.

    source: the name of the file.
    """
    words = title.strip(" <>()[]\"'")
    names = (source, PurePath(source).name, PurePath(source).stem)
    empty = not any(map(str.isalnum, words)) or words in names
    return "" if empty or FILE_NAME.fullmatch(words) or PRINTED.match(words) or NO_TITLE.fullmatch(words) else title
