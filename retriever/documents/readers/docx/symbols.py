"""Characters of symbol fonts, whose codes mean other characters than in any other font."""

PRIVATE = 0xF0  # the first byte that Word adds to the codes of symbol fonts


def _signs(table: str) -> dict[int, str]:
    """Return a font's characters by code from words, each of a code and the characters from it on."""
    words = (word.split(":", 1) for word in table.split())
    return {int(code, 16) + place: sign for code, signs in words for place, sign in enumerate(signs)}


SYMBOL = {0x20: " "} | _signs(
    "21:!∀#∃%&∋()∗+,−./0123456789:;<=>? 40:≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ 60:‾αβχδεφγηιϕκλµνοπθρστυϖωξψζ{|}∼"
    " A0:€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ C0:ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓ E0:◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪"
    " F1:〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)
# Of these fonts the characters that carry a meaning; where Unicode has a rare and a common form, the common one.
WINGDINGS = _signs(
    "22:✂✁ 28:☎✆✉✉ 36:⌛ 3E:✇✍ 41:✌👌👍👎☜☞☝☟✋☺😐☹💣☠⚐ 51:✈☼💧❄ 56:✞ 58:✠✡☪☯ॐ☸♈♉♊♋♌♍♎♏♐♑♒♓"
    " 6C:●❍■□□❑❒◆◆◆❖◆⌧ 7A:⌘ 80:⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿ 9E:·•▪○○◉◉◎○▪☐ AB:★ B1:⌖ B5:✪✰🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛"
    " D5:⌫⌦ D8:➢ DF:←→↑↓↖↗↙↘←→↑↓↖↗↙↘⇦⇨⇧⇩⇔⇕ FB:✗✔☒☑"
)
WINGDINGS_2 = _signs("4F:✗✓☒☑☒☒ 69:⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿ A3:☐")
WINGDINGS_3 = _signs("21:←→↑↓↖↗↙↘ 70:▲▼△▽◀▶◁▷ 7C:◂▸▴▾")
WEBDINGS = _signs("33:◀▶▲▼ 59:♥ 61:✔ 63:☐ 67:■ 69:ℹ 6E:● 72:✗")
FONTS = {
    "symbol": SYMBOL,
    "wingdings": WINGDINGS,
    "wingdings 2": WINGDINGS_2,
    "wingdings 3": WINGDINGS_3,
    "webdings": WEBDINGS,
}


def is_symbol_font(font: str) -> bool:
    """Return whether a font's characters are known to mean others."""
    return font.strip().lower() in FONTS


def sign_of(font: str, code: int) -> str:
    """Return the character that a code of a font stands for; "" if that is not known."""
    table = FONTS.get(font.strip().lower())
    if table is not None and (code < 0x100 or code >> 8 == PRIVATE):
        return table.get(code & 0xFF, "")
    private = 0xE000 <= code < 0xF900
    return "" if private or not 0x20 <= code < 0x110000 or 0xD800 <= code < 0xE000 else chr(code)


def translate(text: str, font: str) -> tuple[str, int]:
    """Return text in a symbol font as the characters that it shows, and how many of them are not known."""
    signs = [sign if sign.isspace() else sign_of(font, ord(sign)) for sign in text]
    return "".join(signs), signs.count("")
