"""Decoding of bytes into text: what the bytes show, what is guessed, and what is said of it."""

import time

import pytest

from retriever.documents.decoding import decode
from retriever.documents.encodings import LEGACY, NAMES
from retriever.documents.loading import load_documents
from retriever.errors import DocumentError

GERMAN = "Die Fähre fährt um halb zehn ab; größere Gruppen melden sich bitte früh genug an."
LEGACY_TEXTS = {  # text -> the encodings in which files of its language were written
    "“Bring a warm coat,” she said, “because the captain won’t wait for anyone.”": "cp1252 mac_roman",
    GERMAN: "cp1252 iso8859_1 iso8859_15 cp850 cp437 mac_roman",
    "Où est passée la clé ? Elle était accrochée là-bas, derrière la fenêtre.": "cp1252 iso8859_1 cp850 mac_roman",
    "¿Dónde está la llave? Mañana irán los niños al jardín con su abuela.": "cp1252 iso8859_1 cp850 mac_roman",
    "Il a donné quatre leçons à l'école, puis il est allé à la mairie, très pressé.": "cp1252 cp850",
    "Weź ciepłą kurtkę, bo na pokładzie wieje chłodniejszy wiatr, niż się wydaje.": "cp1250 iso8859_2 cp852 mac_latin2",
    "Děti šly s babičkou na louku a trhaly žluté květiny; klíč visel vedle okna.": "cp1250 iso8859_2 cp852 mac_latin2",
    "Hol van a könyvtár kulcsa? Az őr szerint az ablak mögött lógott a hűvös falon.": "cp1250 iso8859_2 cp852",
    "Copiii au mers cu bunica pe câmp şi au strâns flori galbene lângă o şcoală.": "cp1250 iso8859_2",
    "Işıklar sönünce şehrin üzerinde yıldızlar görünmeye başladı, rüzgâr durdu.": "cp1254 iso8859_9 cp857",
    "Vaikai su močiute nuėjo į pievą ir rinko geltonas gėles už upės, prie tilto.": "cp1257 iso8859_13 cp775",
    "Paņemiet līdzi siltu mēteli, jo uz klāja vējš ir aukstāks, nekā šķiet.": "cp1257 iso8859_13 cp775",
    "Дети пошли с бабушкой на луг и собирали жёлтые цветы.": "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic",
    "Її під'їзд зачинено, тож заходьте з іншого боку будинку.": "cp1251 koi8_u cp1125",
    "Децата отидоха на поляната, а ключът висеше зад прозореца.": "cp1251 cp866",
    "Πού είναι το κλειδί; Κρεμόταν στον τοίχο, πίσω από το παράθυρο.": "cp1253 iso8859_7 cp737",
    "איפה המפתח של הספרייה? הוא היה תלוי על הקיר, ממש מאחורי החלון.": "cp1255 iso8859_8 cp862",
    "أين مفتاح المكتبة؟ كان معلقا على الحائط خلف النافذة.": "cp1256 iso8859_6",
    "กุญแจห้องสมุดอยู่ที่ไหน มันแขวนอยู่บนผนังหลังหน้าต่าง": "cp874",
    "図書館の鍵はどこですか。窓の後ろの壁に掛かっていました。": "cp932 euc_jp iso2022_jp",
    "图书馆的钥匙在哪里？它挂在窗户后面的墙上。": "gb18030",
    "圖書館的鑰匙在哪裡？它掛在窗戶後面的牆上。": "big5",
    "도서관 열쇠는 어디에 있습니까? 창문 뒤 벽에 걸려 있었습니다.": "cp949 iso2022_kr",
}
VIETNAMESE = "Chìa khóa thư viện ở đâu? Nó được treo trên tường, sau cửa sổ."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_that_the_bytes_show_is_no_guess(encoding):
    decoded = decode(GERMAN.encode(encoding))
    assert (decoded.text, decoded.guessed, decoded.notes) == (GERMAN, "", ())


@pytest.mark.parametrize("encoding", sorted({one for names in LEGACY_TEXTS.values() for one in names.split()}))
def test_files_in_legacy_encodings_are_read(encoding):
    for text, encodings in LEGACY_TEXTS.items():
        if encoding in encodings.split():
            table = "id,kind,sentence\n" + "".join(f"{n},public announcement,{text}\n" for n in range(9))
            for content in (text, table):
                decoded = decode(content.encode(encoding))
                assert decoded.text == content, (encoding, decoded.guessed)
                assert decoded.guessed in NAMES.values()


def test_vietnamese_is_read_with_its_tones():
    data = "".join(VIETNAMESE_LETTERS.get(char, char) for char in VIETNAMESE).encode("cp1258")
    assert decode(data).guessed == "windows-1258 (Vietnamese)"


VIETNAMESE_LETTERS = {"ì": "i\u0300", "ệ": "ê\u0323", "ở": "ơ\u0309", "ợ": "ơ\u0323", "ờ": "ơ\u0300", "ử": "ư\u0309"}
VIETNAMESE_LETTERS |= {"ổ": "ô\u0309"}


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf_16_without_its_mark_is_guessed(encoding):
    for text in (
        "Owls hunt at night",
        "Совы охотятся ночью.\n",
        "渡船九点半出发，船长不等任何人。\n图书馆的钥匙在哪里？",
    ):
        assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    "text",
    ["We can’t wait; they won’t let us.", "20 °C at noon, 15 °C at night", "name,price\nAnchor,£30\nRope,£12\n", "€12"],
)
def test_english_with_few_signs_is_no_other_language(text):
    assert decode(text.encode("cp1252")).text == text


def test_a_language_is_seen_behind_much_ascii():
    text = "The ferry leaves at half past nine.\n" * 5_000 + "Işıklar sönünce yıldızlar görünmeye başladı."
    assert decode(text.encode("cp1254")).text == text


@pytest.mark.parametrize(
    "form", ["{}", "# Plan\n\n{}", "text\n{}\n", '{{"text": "{}"}}'], ids="txt md csv jsonl".split()
)
def test_every_text_format_says_that_the_encoding_is_a_guess(tmp_path, request, form):
    file = tmp_path / f"plan.{request.node.callspec.id}"
    file.write_bytes(form.format("Zażółć gęślą jaźń. Wczoraj był piękny dzień, poszliśmy na spacer.").encode("cp1250"))
    documents = load_documents(file)
    assert "poszliśmy na spacer" in documents[0].text
    (note,) = documents.notes[file.name]
    assert "The encoding is a guess: windows-1250 (Central European)" in note and "save the file as UTF-8" in note


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (f"{GERMAN}\n{GERMAN}\n".encode() + "Länge".encode("cp1252"), "line 3"),
        ("渡船九点半出发，船长不等任何人。".encode()[:-1], "line 1"),
        (GERMAN.encode("utf-8-sig") + b"\xff", "line 1"),
        (GERMAN.encode("utf-16") + b"a", "line 1"),
        ("渡船九点半出发，船长不等任何人。\n图书馆的钥匙在哪里？".encode("gb18030")[:-1], "line 2"),
    ],
)
def test_damaged_characters_are_counted_and_spoil_no_others(data, line):
    decoded = decode(data)
    assert (decoded.lost, decoded.text.count("\ufffd")) == (1, 1)
    assert "(1, " in decoded.notes[-1] and line in decoded.notes[-1]


@pytest.mark.parametrize("data", [bytes(range(256)) * 40, b"\x8d\x02\x03\xff" * 99, b"\xff\xfea"])
def test_binary_data_is_refused(data):
    with pytest.raises(DocumentError, match="binary or in an unknown encoding"):
        decode(data)


@pytest.mark.parametrize("data", [b"\x1b[31mred\x1b[0m", b"a \x1b$ b", b"see ~{name~} and ~{"])
def test_escapes_in_ascii_are_no_encoding(data):
    assert (decode(data).text, decode(data).guessed) == (data.decode(), "")


@pytest.mark.parametrize(
    "piece", [GERMAN.encode("cp1252"), b"\xe9", b"a" * 999 + b"\xe9", b"\x1b$B!!", b"\xc3\xa9\xff"]
)
def test_a_large_file_is_decoded_quickly(piece):
    start = time.thread_time()
    decode(piece * (5_000_000 // len(piece)))
    assert time.thread_time() - start < 5


def test_the_candidates_are_encodings_of_python_with_distinct_names():
    assert all(b"a".decode(name) == "a" for name in LEGACY)
    assert len(set(NAMES.values())) >= len(NAMES) - 1  # ISO-2022-JP has two


@pytest.mark.parametrize(
    "text",
    [
        "La pietà della città è nota. Il caffè è caldo e la novità non è già finita.",
        "Der Fußgänger weiß nicht, auf welcher Straße er ist.",
        "Il a reçu une leçon pour garçons.",
        "A naïve reader believes that this is the end of the story.",
    ],
)
def test_the_words_of_a_western_language_decide_where_few_letters_have_accents(text):
    assert decode(text.encode("cp1252")).text == text
