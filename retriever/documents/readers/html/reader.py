"""Reader of HTML pages."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from retriever.documents.document import FileContent, Section
from retriever.documents.readers.html.encoding import decode_page
from retriever.errors import DocumentError

MAX_TAGS = 200_000  # from here on, the main part is not looked for; about 100,000 elements
MAX_NAMED, MAX_NAME = 5, 40  # frames, and characters of a frame's name, in a message
FEW, SOME = 200, 500  # characters: of a page that only asks to wait, and of one whose content may be elsewhere
HIDDEN_SHARE, LONG = 0.2, 100  # of the text, and characters, that may be hidden without a note
NEEDS_SCRIPT = re.compile(
    r"(?:enabl|activ|aktiv|turn|need|requir|support|disabl|habilit|abilit|включ|有効|启用|啟用).{0,60}java ?script|"
    r"java ?script.{0,60}(?:enabl|activ|aktiv|turn|need|requir|support|disabl|habilit|abilit|включ|有効|启用|啟用)",
    re.IGNORECASE | re.DOTALL,
)
WAITING = re.compile(r"\W*(?:(?:page |app )?(?:is )?loading|please wait)\b.{0,30}", re.IGNORECASE | re.DOTALL)
NO_FILES = ("about:", "javascript:", "data:")  # sources of frames
SAVE = "save it from a browser that shows it, as a complete page, or print it to a PDF"
SCRIPTED = f"No text is in the page itself: JavaScript makes it in a browser. To read the page, {SAVE}."
UNSURE = f"The page says that it needs JavaScript, so text may be missing here; if it is, {SAVE}."
HIDDEN = "Hidden parts of the page were not read: to have them read, unfold them in a browser before you save the page."
DEEP = "Its elements are nested too deeply for the parser, which stopped there: save the page anew as HTML or a PDF."


def read_html(data: bytes) -> FileContent:
    """Read a page's text: its main part, or all of it if none is found; never what a browser does not show.

    Blank lines set blocks apart, line ends the lines and list items, " | " the cells of tables. Raises DocumentError
    for a page whose text is in other files or is made by scripts.
    """
    from retriever.documents.readers.html.blocks import page_text  # here, because these load lxml
    from retriever.documents.readers.html.main_part import keep_main_part
    from retriever.documents.readers.html.tree import parse_page

    source, notes = decode_page(data)
    page = parse_page(source)
    frames = _frame_names(page.frames)
    if page.is_frameset:
        raise DocumentError(f"The page only sets out frames, whose text is in other files{frames}: upload those files.")
    if page.body is None:
        return FileContent([])
    if source.count("<") < MAX_TAGS:
        notes += keep_main_part(page.body)
    else:
        notes.append(f"The page has more than {MAX_TAGS:,} tags, so all of it was read, menus included.")
    text = page_text(page.body)
    if len(text) < FEW and _waits_for_script(text, page.noscript, page.has_scripts):
        raise DocumentError(SCRIPTED)
    unread = {"the end of the page": DEEP} if page.is_cut else {}
    if page.hidden > max(LONG, HIDDEN_SHARE * len(text)):
        notes.append(HIDDEN)
    if frames and len(text) < SOME:
        unread["the frames in the page"] = f"Their text is in other files{frames}: save and upload these as well."
    elif frames:
        notes.append(f"Frames in the page were not read, as their text is in other files{frames}.")
    elif len(text) < SOME and NEEDS_SCRIPT.search(page.noscript):
        notes.append(UNSURE)
    return FileContent([Section(text, page.title)], unread, notes)


def _waits_for_script(text: str, noscript: str, has_scripts: bool) -> bool:
    """Return whether a short text is only there until scripts have made the page's text."""
    if not text:
        return bool(noscript) or has_scripts
    return has_scripts and (NEEDS_SCRIPT.search(text) is not None or WAITING.fullmatch(text) is not None)


def _frame_names(sources: Sequence[str]) -> str:
    """Return the files that frames show, in parentheses, or "" if no frame shows any."""
    files = [source.strip() for source in sources if not source.strip().lower().startswith(NO_FILES)]
    names = [
        re.split(r"[?#]", file)[0].rstrip("/").rpartition("/")[2] for file in files if file and file[:5] != "data:"
    ]
    shown = [unquote(name)[:MAX_NAME] for name in dict.fromkeys(names) if name]
    more = f" and {len(shown) - MAX_NAMED:,} more" if len(shown) > MAX_NAMED else ""
    return f" ({', '.join(shown[:MAX_NAMED])}{more})" if shown else ""
