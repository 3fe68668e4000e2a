"""A guess of the encoding of text, out of those in which files were really written."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache

WIDE = {
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
}
SEVEN_BIT = {
    "iso2022_jp_2": "ISO-2022-JP (Japanese)",
    "iso2022_jp_ext": "ISO-2022-JP (Japanese)",
    "iso2022_kr": "ISO-2022-KR (Korean)",
}
TWO_BYTES = {
    "cp932": "Shift-JIS (Japanese)",
    "euc_jis_2004": "EUC-JP (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5hkscs": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
}
ONE_BYTE = {
    "cp1252": "windows-1252 (Western European)",
    "iso8859-1": "ISO-8859-1 (Western European)",
    "iso8859-15": "ISO-8859-15 (Western European)",
    "cp1250": "windows-1250 (Central European)",
    "iso8859-2": "ISO-8859-2 (Central European)",
    "cp1251": "windows-1251 (Cyrillic)",
    "koi8-r": "KOI8-R (Russian)",
    "koi8-u": "KOI8-U (Ukrainian)",
    "iso8859-5": "ISO-8859-5 (Cyrillic)",
    "cp1253": "windows-1253 (Greek)",
    "iso8859-7": "ISO-8859-7 (Greek)",
    "cp1254": "windows-1254 (Turkish)",
    "iso8859-9": "ISO-8859-9 (Turkish)",
    "cp1255": "windows-1255 (Hebrew)",
    "iso8859-8": "ISO-8859-8 (Hebrew)",
    "cp1256": "windows-1256 (Arabic)",
    "iso8859-6": "ISO-8859-6 (Arabic)",
    "cp1257": "windows-1257 (Baltic)",
    "iso8859-13": "ISO-8859-13 (Baltic)",
    "iso8859-4": "ISO-8859-4 (Baltic)",
    "cp1258": "windows-1258 (Vietnamese)",
    "cp874": "windows-874 (Thai)",
    "cp437": "DOS code page 437 (Western European)",
    "cp850": "DOS code page 850 (Western European)",
    "cp852": "DOS code page 852 (Central European)",
    "cp866": "DOS code page 866 (Cyrillic)",
    "cp855": "DOS code page 855 (Cyrillic)",
    "cp1125": "DOS code page 1125 (Ukrainian)",
    "cp737": "DOS code page 737 (Greek)",
    "cp869": "DOS code page 869 (Greek)",
    "cp857": "DOS code page 857 (Turkish)",
    "cp862": "DOS code page 862 (Hebrew)",
    "cp775": "DOS code page 775 (Baltic)",
    "mac-roman": "Mac Roman (Western European)",
    "mac-latin2": "Mac Central European",
    "mac-cyrillic": "Mac Cyrillic",
    "mac-greek": "Mac Greek",
    "mac-turkish": "Mac Turkish",
}
LEGACY = {**TWO_BYTES, **ONE_BYTE}
NAMES: Mapping[str, str] = {**WIDE, **SEVEN_BIT, **LEGACY}
SUPERSETS = {"iso8859-1": "cp1252", "iso8859-9": "cp1254"}  # which have letters in place of control characters
RARE = {"iso8859-4": 0.75, "iso8859-13": 0.97, "mac-turkish": 0.85}  # factors of what was seldom written

# Frequent words without accents, of the languages that are written in the encodings of a region and of no other's.
WORDS = {
    "Western European": "the and of this that with was are is der die und das ist nicht mit von ein eine auf les des "
    "est une que pour qui della del sono non il di los uma het een niet och att det og til ikke med from which",
    "Central European": "nie jest oraz przez dla jak ale jsou byl byla podle jako hogy egy az volt csak ezt pentru "
    "sunt prin fost koji koja nije kao ili ako alebo",
    "Turkish": "ve bir bu olarak olan daha gibi kadar veya",
    "Baltic": "kad bet yra kaip buvo taip savo uz tas bija kas kui ning aga",
    "Vietnamese": "cho trong khi theo nh ng",
}
REGION_OF_WORD = {word.encode(): region for region, words in WORDS.items() for word in words.split()}
WORD = re.compile(rb"(?<![\x80-\xff\w])[a-z]{2,6}(?![\x80-\xff\w])")
WORDS_SAMPLE = 20_000  # bytes
ANOTHER_REGION = 0.6  # factor of encodings of other regions than that of the words

CONTEXT = 40  # bytes before and after those of other than ASCII that belong to the sample: they show the language
MAX_SAMPLE = 10_000  # bytes
CONTROLS = bytes([*range(9), *range(14, 32)])  # a few of them make chardet call a text binary

SCRIPTS = {"LATIN": "l", "CYRILLIC": "c", "GREEK": "g", "HEBREW": "h", "ARABIC": "r", "THAI": "t"}
SCRIPTS |= dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "HALFWIDTH"), "k")
PUNCTUATION = "’‘—–…ªº\u00a0\u2010\u2011、。「」『』，？！（）：；・～"
QUOTES = "“”„‚«»‹›†‡•¡¿"
# What is seldom written, in the signs of _kind: a control character; quotes or symbols within a word; a capital after a
# small letter; scripts mixed in a word; a letter beside a digit; a single part of a frame; a single ideograph.
ODDITIES = re.compile(
    "x|(?<=[aAlLcCgGhr])q(?=[aAlLcCgGhr])|(?<=[aAlLcCgGhr0])s(?=[aAlLcCgGhr])"
    "|(?<=[al])L|(?<=l)A|(?<=c)C|(?<=g)G|(?<=[aAlL])[cCgGhrtk]|(?<=[cCgGhrtk])[aAlL]"
    "|(?<=[cC])[gGhrtk]|(?<=[gG])[cChrtk]|(?<=[hr])[cCgGtk]"
    "|(?<=[lcg])0|(?<=0)[lLcCgG]|(?<![aAlLcCgGhrtk])[lLcCgGhrt]0|(?<!b)b(?!b)|(?<!k)k(?!k)"
)
USUAL = re.compile("(?<=[a-z])’(?=(?:t|s|d|m|ll|re|ve)\\b)|[£€](?=\\d)|(?<=\\d)(?: ?°|[²³½%€])")


def guess_encoding(data: bytes, names: Collection[str]) -> str:
    """Return the most likely encoding of a text, one of the given ones, or "" if none fits.

    chardet's models of languages give each a confidence, which counts less the less its letters stand as people write
    them, and for encodings of another region than that of the text's frequent words. Of letters, only the surroundings
    of bytes above 127 are looked at, and at most MAX_SAMPLE bytes.
    """
    import chardet

    sample = data[:MAX_SAMPLE] if names is WIDE or names is SEVEN_BIT else _sample(data)
    included = {*names, "cp1252"}  # chardet's answer where none fits, of which it would warn otherwise
    found = chardet.detect_all(sample, ignore_threshold=True, compat_names=False, include_encodings=included)
    ranked = {str(one["encoding"]): one["confidence"] for one in found if one["encoding"] in names}
    if len(ranked) < 2:
        return next(iter(ranked), "")
    region = _region_of_words(data)
    highest = 2 + sample.count(b"%")  # that _plausibility can be: each usual sign has a character above 127, or is "%"
    best, best_score, known = "", -1.0, dict[str, float]()  # known: of the same text in other encodings
    for name, confidence in sorted(ranked.items(), key=lambda one: one[1], reverse=True):
        if confidence * highest <= best_score:
            break
        text = sample.decode(SUPERSETS.get(name, name), "replace")
        known[text] = known.get(text) or _plausibility(text)
        score = confidence * known[text] * _usual(name, region)
        if score > best_score:
            best, best_score = name, score
    return SUPERSETS.get(best, best)


def _region_of_words(data: bytes) -> str:
    """Return the region whose frequent words a text has, which tell more than few letters above 127; "" for none."""
    found = Counter(
        REGION_OF_WORD[word] for word in WORD.findall(data[:WORDS_SAMPLE].lower()) if word in REGION_OF_WORD
    )
    (region, count), *others = found.most_common(2) or [("", 0)]
    return region if not others or count > 2 * others[0][1] else ""


def _usual(name: str, region: str) -> float:
    """Return how usual an encoding is in text of a region, as a factor; words do not judge other scripts."""
    latin = next((one for one in WORDS if one in NAMES[name]), "")
    factor = RARE.get(name, 1)
    return factor * ANOTHER_REGION if region and latin and latin != region else factor


def _sample(data: bytes) -> bytes:
    """Return the first bytes above 127 with their surroundings."""
    sample, end = bytearray(), 0
    for run in re.finditer(rb"[\x80-\xff]+", data):
        begin = max(end, run.start() - CONTEXT)
        if begin > end:
            sample += b"\n"
        end = run.end() + CONTEXT
        sample += data[begin : min(end, begin + MAX_SAMPLE)]
        if len(sample) >= MAX_SAMPLE:
            break
    return bytes(sample[:MAX_SAMPLE]).translate(None, CONTROLS)


def _plausibility(text: str) -> float:
    """Return how usual the letters of a text stand, as a factor: 1 where nothing is odd."""
    kinds = "".join(map(_kind, text))
    odd = len(ODDITIES.findall(kinds)) - len(USUAL.findall(text))
    for script in "cghrt":
        if script * 2 not in kinds.lower():  # a script of which no two letters stand together
            odd += kinds.lower().count(script)
    others = max(1, len(text) - sum(map(str.isascii, text)))
    return max(0.01, 1 - odd / others)


@cache
def _kind(char: str) -> str:
    """Return the sign of a character in ODDITIES: that of its script, in capitals for those; a blank for others."""
    if char.isascii():
        return "0" if char.isdigit() else ("A" if char.isupper() else "a") if char.isalpha() else " "
    category = unicodedata.category(char)
    if char in PUNCTUATION or category[0] == "M":
        return " "
    if char in QUOTES:
        return "q"
    if category[0] == "C" and char not in "\u200c\u200d\u200e\u200f":
        return "x"
    if category[0] == "L":
        script = SCRIPTS.get(unicodedata.name(char, " ").split()[0], "s")
        return script.upper() if category == "Lu" and script in "lcg" else script
    return "b" if "─" <= char <= "▟" else "s"
