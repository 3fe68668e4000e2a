"""Numbers of list items in the formats of Word: 4, 04, iv, D, ④, 四, 4th, fourth."""

from collections.abc import Callable, Mapping

MAX_LETTERS = 780  # the number that takes thirty letters, which is the largest that Word writes so
MAX_ROMAN = 32_767
ROMAN = {1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix"}
ROMAN |= {5: "v", 4: "iv", 1: "i"}  # largest first
LATIN = "abcdefghijklmnopqrstuvwxyz"
RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
CHINESE = "〇一二三四五六七八九"
STEMS = "甲乙丙丁戊己庚辛壬癸"
BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
UNITS += "seventeen eighteen nineteen".split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
ORDINALS["twelve"] = "twelfth"


def roman(value: int) -> str:
    """Return a Roman number of small letters."""
    signs = []
    for size, sign in ROMAN.items():
        signs.append(sign * (value // size))
        value %= size
    return "".join(signs)


def letters(value: int, alphabet: str = LATIN) -> str:
    """Return the letter of a number; after the last one they are doubled: y, z, aa, bb."""
    return alphabet[(value - 1) % len(alphabet)] * ((value - 1) // len(alphabet) + 1)


def chinese(value: int) -> str:
    """Return a number below 10,000 as it is counted in Chinese and Japanese: 十二, 一百零三."""
    if value >= 10_000:
        return str(value)
    written, gap = "", False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, size)
        if digit:
            written += ("零" if gap and written else "") + CHINESE[digit] + unit
        gap = not digit
        if not value:
            break
    return written.removeprefix("一") if written.startswith("一十") else written


def cardinal(value: int) -> str:
    """Return a number below 100 in English words."""
    if value >= 100:
        return str(value)
    tens, units = divmod(value, 10)
    return UNITS[value] if value < 20 else TENS[tens] + (f"-{UNITS[units]}" if units else "")


def ordinal(value: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th."""
    ending = "th" if value // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{ending}"


def ordinal_words(value: int) -> str:
    """Return first, second, twenty-first; 100th from there on."""
    if value >= 100:
        return ordinal(value)
    before, hyphen, last = cardinal(value).rpartition("-")
    last = f"{last[:-1]}ieth" if last.endswith("ty") else ORDINALS.get(last, f"{last}th")
    return f"{before}{hyphen}{last}"


def circled(value: int) -> str:
    """Return ① to ⑳, and other numbers as they are."""
    return chr(0x245F + value) if 1 <= value <= 20 else str(value)


FORMATS: Mapping[str, Callable[[int], str]] = {
    "decimalZero": lambda value: f"{value:02}",
    "upperRoman": lambda value: roman(value).upper() if value <= MAX_ROMAN else str(value),
    "lowerRoman": lambda value: roman(value) if value <= MAX_ROMAN else str(value),
    "upperLetter": lambda value: letters(value).upper() if value <= MAX_LETTERS else str(value),
    "lowerLetter": lambda value: letters(value) if value <= MAX_LETTERS else str(value),
    "russianUpper": lambda value: letters(value, RUSSIAN).upper() if value <= MAX_LETTERS else str(value),
    "russianLower": lambda value: letters(value, RUSSIAN) if value <= MAX_LETTERS else str(value),
    "ordinal": ordinal,
    "cardinalText": lambda value: cardinal(value).capitalize(),
    "ordinalText": lambda value: ordinal_words(value).capitalize(),
    "hex": lambda value: f"{value:X}",
    "numberInDash": lambda value: f"- {value} -",
    "decimalEnclosedCircle": circled,
    "decimalEnclosedCircleChinese": circled,
    "decimalFullWidth": lambda value: "".join(chr(0xFEE0 + ord(digit)) for digit in str(value)),
    "ideographDigital": lambda value: "".join(CHINESE[int(digit)] for digit in str(value)),
    "japaneseDigitalTenThousand": lambda value: "".join(CHINESE[int(digit)] for digit in str(value)),
    "chineseCounting": chinese,
    "chineseCountingThousand": chinese,
    "japaneseCounting": chinese,
    "taiwaneseCounting": chinese,
    "taiwaneseCountingThousand": chinese,
    "ideographTraditional": lambda value: STEMS[value - 1] if value <= len(STEMS) else str(value),
    "ideographZodiac": lambda value: BRANCHES[value - 1] if value <= len(BRANCHES) else str(value),
    "none": lambda value: "",
}


def write_number(value: int, number_format: str) -> str:
    """Return a number in a format of Word; in digits if the format is unknown or does not go that far."""
    if number_format.isdigit():  # the first number of a format of the user's own: 001
        return str(value).zfill(len(number_format[:9]))
    if value < 1 and number_format not in ("decimalZero", "none"):
        return str(value)
    return FORMATS.get(number_format, str)(value)
