"""Tables as people write them: what is read, what is refused, and that the fast way reads what the plain way does."""

import gzip
import math
import random
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnlab.errors import DataError, NnlabError
from nnlab.tables import Keys, Table, dates, source
from nnlab.tables.cells import number, people_number, plain_whole
from nnlab.tables.keep import key, pack, unpack
from nnlab.tables.keys import AUTO, Style
from nnlab.tables.reading import read, stream
from nnlab.tables.sniff import find_style

BOTH = pytest.mark.parametrize("fast", [False, True], ids=["plain", "fast"])
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: str | bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def outcome(path: Path, keys: Keys | Style = AUTO, *, fast: bool, text: tuple[str, ...] = ()) -> object:
    """All that a table says, or the message that refuses it."""
    try:
        table = read(path, keys, fast=fast, text=text)
    except NnlabError as error:
        return str(error)
    return everything(table)


def everything(table: Table) -> object:
    columns = {}
    for name in table.names:
        kind = table.kind(name)
        try:
            numbers: object = table.numbers(name).tobytes()
        except DataError as error:
            numbers = str(error)
        columns[name] = (kind, numbers, table.texts(name).tolist(), table.missing(name).tolist())
    return table.rows, list(table.lines), columns


# --- what a cell says


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[
            ("1", 1.0),
            ("+1", 1.0),
            ("-1.5", -1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e5", 1e5),
            ("1E+5", 1e5),
            ("1.5e-3", 0.0015),
        ],
        *[(" 1 ", 1.0), ("\u00a01\u00a0", 1.0), ("\t1", 1.0), ("00012", 12.0), ("1e-400", 0.0), ("-0", 0.0)],
        *[("0.1000000000000000055511151231257827", 0.1), ("9007199254740993", 9007199254740992.0), ("1e999", math.inf)],
        *[
            (cell, None)
            for cell in ("", "1_000", "\u0661\u0662", "0x10", "1d5", "inf", "nan", "Infinity", "1,5", "e5", ".", "-")
        ],
        *[
            (cell, None)
            for cell in ("1e", "1e+", "--1", "- 1", "1 2", "1/2", "1.5f", "\uff11", "1e5.0", "1.2.3", "true")
        ],
    ],
)
def test_a_number_is_what_every_tool_reads_as_one(cell: str, value: float | None) -> None:
    assert number(cell) == value


@pytest.mark.parametrize(
    ("cell", "decimal", "thousands", "value"),
    [
        *[("10,5", ",", None, 10.5), ("10.5", ",", None, None), (",5", ",", None, 0.5), ("-1,5e2", ",", None, -150.0)],
        *[("2,100", ".", ",", 2100.0), ("1,234,567.5", ".", ",", 1234567.5), ("2100", ".", ",", 2100.0)],
        *[
            (cell, ".", ",", None)
            for cell in ("12,34", "1,5", "1234,567", ",100", "1,,000", "1,0000", "1,000,", "1.5,000")
        ],
        *[("1.234,56", ",", ".", 1234.56), ("1.234", ",", ".", 1234.0), ("12.34", ",", ".", None)],
        *[("1 234", ".", " ", 1234.0), ("1\u00a0234\u202f567", ".", " ", 1234567.0), ("1'000", ".", "'", 1000.0)],
        *[
            ("1\u2019000", ".", "'", 1000.0),
            ("1_000", ".", "_", 1000.0),
            ("-1,000", ".", ",", -1000.0),
            (".5", ".", ",", 0.5),
        ],
    ],
)
def test_numbers_written_for_people_are_read_with_their_keys(
    cell: str, decimal: str, thousands: str | None, value: float | None
) -> None:
    assert number(cell, decimal, thousands) == value


@pytest.mark.parametrize(
    ("cell", "cure"),
    [
        *[("2,100", 'dataset.thousands: ","'), ("10,5", 'dataset.decimal: ","'), ("-3,25", 'dataset.decimal: ","')],
        *[("1.234,56", 'dataset.decimal: "," and dataset.thousands: "."'), ("1,234.56", 'dataset.thousands: ","')],
        *[
            ("1 234", 'dataset.thousands: " "'),
            ("1'000", 'dataset.thousands: "\'"'),
            ("1_000", 'dataset.thousands: "_"'),
        ],
        *[("$5", "'$'"), ("5 %", "'%'"), ("\u20ac 5,00", "'\u20ac'"), ("-$1,000", "'$'"), ("(1,234)", "brackets")],
        *[("\u22125", "minus"), ("\u0661\u0662", "digits"), ("1.234.567", 'dataset.thousands: "."')],
    ],
)
def test_a_number_written_for_people_is_known_with_the_key_that_reads_it(cell: str, cure: str) -> None:
    assert cure in (people_number(cell) or "")


@pytest.mark.parametrize(
    "cell", ["", "a", "1.5", "2 door", "1,2,3", "v1.2", "12 kg", "A-1", "2024-01-31", "10:30", "#1", "inf", "1;2"]
)
def test_other_text_is_no_number_for_people(cell: str) -> None:
    assert people_number(cell) is None


def test_a_point_is_for_people_where_the_comma_is_the_decimal_sign() -> None:
    assert people_number("1.5", ",") == 'dataset.decimal: "."'


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[
            ("1", 1),
            ("1.0", 1),
            ("-7", -7),
            ("+1", 1),
            (" 3 ", 3),
            ("0", 0),
            ("12345678901234567891", 12345678901234567891),
        ],
        *[(cell, None) for cell in ("01", "1e3", "1.5", "", "a", "00", "0x1", "1_0", "\u0661", "9" * 5000)],
    ],
)
def test_a_whole_number_in_its_plain_form(cell: str, value: int | None) -> None:
    assert plain_whole(cell) == value


# --- dialects


@BOTH
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("comma.csv", "a,b,label\n1,2.5,yes\n3,4.5,no\n"),
        ("semicolon.csv", "a;b;label\n1;2.5;yes\n3;4.5;no\n"),
        ("tab.tsv", "a\tb\tlabel\n1\t2.5\tyes\n3\t4.5\tno\n"),
        ("tab.csv", "a\tb\tlabel\n1\t2.5\tyes\n3\t4.5\tno\n"),
        ("pipe.txt", "a|b|label\n1|2.5|yes\n3|4.5|no\n"),
        ("blanks.txt", "  a    b  label\n  1  2.5    yes\n  3  4.5     no  \n"),
        ("tabs_and_blanks.data", "a \t b\tlabel\n1 \t2.5\tyes\n3\t  4.5 no\n"),
        ("after_comma.csv", "a, b, label\n1, 2.5, yes\n3, 4.5, no\n"),
        ("quoted.csv", '"a","b","label"\n1,"2.5","yes"\n3,4.5,"no"\n'),
        ("blank_quote.csv", 'a, "b", "label"\n1, 2.5, "yes"\n3, "4.5", "no"\n'),
        ("quote_blank.csv", '"a" ,"b" , "label" \n1 ,"2.5" ,"yes"\n3,4.5,"no"\t\n'),
        ("crlf.csv", "a,b,label\r\n1,2.5,yes\r\n3,4.5,no\r\n"),
        ("cr.csv", "a,b,label\r1,2.5,yes\r3,4.5,no\r"),
        ("mark.csv", "\ufeffa,b,label\n1,2.5,yes\n3,4.5,no\n"),
        ("mark_quote.csv", '\ufeff"a",b,label\n1,2.5,yes\n3,4.5,no\n'),
        ("no_end.csv", "a,b,label\n1,2.5,yes\n3,4.5,no"),
        ("trailing.csv", "a,b,label\n1,2.5,yes\n3,4.5,no\n\n\n  \n,,\n"),
        ("between.csv", "\n\na,b,label\n\n1,2.5,yes\n , ,\n3,4.5,no\n"),
        ("nbsp.csv", "a,b,label\n\u00a01,2.5\u00a0,yes\n3,4.5,no\n"),
        ("remark.csv", "# made by sensor 4\na,b,label\n1,2.5,yes\n3,4.5,no\n"),
        ("remarks.csv", "# made by\n# a, b, c\n\na,b,label\n1,2.5,yes\n3,4.5,no\n"),
        ("index.csv", ",a,b,label\n0,1,2.5,yes\n1,3,4.5,no\n"),
        ("index_from_1.csv", '"","a","b","label"\n"1",1,2.5,"yes"\n"2",3,4.5,"no"\n'),
        ("index_shuffled.csv", ",a,b,label\n17,1,2.5,yes\n4,3,4.5,no\n"),
    ],
)
def test_one_table_in_many_dialects(write: Write, name: str, text: str, fast: bool) -> None:
    table = read(write(text, name), fast=fast)
    assert table.names == ("a", "b", "label")
    assert table.matrix(["a", "b"]).tolist() == [[1, 2.5], [3, 4.5]]
    assert table.texts("label").tolist() == ["yes", "no"]
    assert [table.kind(name) for name in table.names] == ["number", "number", "text"]


@BOTH
@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]
)
def test_encodings(write: Write, codec: str, fast: bool) -> None:
    path = write("größe,b,label\n1,2,süß\n3,4,öl\n".encode(codec))
    marked = codec in ("utf-8", "utf-8-sig", "utf-16", "utf-32")
    table = read(path, Keys() if marked else Keys(encoding=codec), fast=fast)
    assert table.names[0] == "größe"
    assert table.texts("label").tolist() == ["süß", "öl"]
    assert table.numbers("größe").tolist() == [1, 3]


def test_a_mark_is_no_part_of_a_name_under_a_given_encoding(write: Write) -> None:
    assert find_style(write("\ufeffa,b\n1,2\n".encode("utf-16-le")), Keys(encoding="utf-16-le")).names == ("a", "b")


def test_latin_1_is_refused_with_line_byte_and_key(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 3: byte 14 of the file \(0xe9\) is not UTF-8") as caught:
        read(write(b"a,label\n1,x\nC\xe9,y\n"))
    assert "dataset.encoding" in caught.value.hint


def test_bad_bytes_after_the_head_are_named_too(write: Write) -> None:
    good = b"a,label\n" + b"1,x\n" * 100_000
    with pytest.raises(DataError, match=rf"line 100002: byte {len(good) + 3} of the file"):
        read(write(good + b"1,\xff\n"))


def test_utf_16_without_its_mark_is_refused_with_the_key(write: Write) -> None:
    with pytest.raises(DataError, match="code 0") as caught:
        read(write("a,b\n1,2\n".encode("utf-16-le")))
    assert "dataset.encoding" in caught.value.hint


@pytest.mark.parametrize("name", ["nonsense", "hex", "rot13", "utf\0", "", "zlib"])
def test_an_encoding_that_is_none_is_refused(write: Write, name: str) -> None:
    with pytest.raises(DataError, match=r"dataset\.encoding"):
        read(write("a,b\n1,2\n"), Keys(encoding=name))


def test_accents_in_two_parts_are_put_together(write: Write) -> None:
    table = read(write("e\u0301,label\n1,o\u0308l\n2,\u00f6l\n"))
    assert table.names[0] == "\u00e9"
    assert table.counts("label") == {"\u00f6l": 2}


@BOTH
def test_gzip_by_its_first_bytes(write: Write, fast: bool) -> None:
    packed = gzip.compress(b"a,label\n1,x\n2,y\n")
    for name in ("t.csv.gz", "t.csv"):
        assert read(write(packed, name), fast=fast).numbers("a").tolist() == [1, 2]


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b[:20] + b"\0" + b[21:], lambda b: b"\x1f\x8b" + b[30:]]
)
def test_a_damaged_gzip_file_is_refused(write: Write, damage: Callable[[bytes], bytes]) -> None:
    content = "a,label\n" + "".join(f"{random.Random(1).random()},x\n" for _ in range(100))
    with pytest.raises(DataError):
        read(write(damage(gzip.compress(content.encode())), "t.csv.gz"))


def test_what_says_gzip_and_is_none_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="not packed by gzip"):
        read(write("a,b\n1,2\n", "t.csv.gz"))


@pytest.mark.parametrize("first", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"%PDF", b"BZh9"])
def test_other_programs_files_are_named(write: Write, first: bytes) -> None:
    with pytest.raises(DataError, match="no text"):
        read(write(first + b"\1\2\3\4" * 10))


def test_a_file_that_unpacks_to_more_than_fits_is_stopped(write: Write) -> None:
    packed = gzip.compress(b"a,b\n" + b"1.5,2.5\n" * 3_000_000, 1)

    def must_fit(needed: int) -> None:
        if needed > 1 << 20:
            raise DataError("too large", "take part of it")

    with pytest.raises(DataError, match="too large"):
        read(write(packed, "bomb.csv.gz"), must_fit=must_fit)


def test_text_counts_towards_what_must_fit(write: Write) -> None:
    def must_fit(needed: int) -> None:
        if needed > 1 << 20:
            raise DataError("too large", "take part of it")

    with pytest.raises(DataError, match="too large"):
        read(write("label\n" + "".join(f"{n:0100d}x\n" for n in range(20_000))), must_fit=must_fit)


@BOTH
def test_a_line_without_end_is_refused_before_it_fills_memory(write: Write, fast: bool) -> None:
    packed = gzip.compress(b"a,b\n1,2\n3," + b"4" * (source.LONGEST + (3 << 20)), 1)
    with pytest.raises(DataError, match="line 3 is longer than"):
        read(write(packed, "t.csv.gz"), fast=fast)


def test_a_line_of_many_cells_is_read(write: Write) -> None:
    names = [f"gene{i}" for i in range(30_000)]
    table = read(write(",".join(names) + "\n" + "\n".join(",".join(["1.25"] * len(names)) for _ in range(3)) + "\n"))
    assert table.matrix(names).shape == (3, 30_000)


@BOTH
def test_quoted_cells_hold_delimiters_line_ends_and_marks(write: Write, fast: bool) -> None:
    path = write('a,label\n1,"x, y"\n2,"two\nlines"\n3,"say ""hi"""\n4,5" pipe\n5,plain\n')
    table = read(path, fast=fast)
    assert table.texts("label").tolist() == ["x, y", "two\nlines", 'say "hi"', '5" pipe', "plain"]
    assert list(table.lines) == [2, 3, 5, 6, 7]


@BOTH
@pytest.mark.parametrize("text", ['a,b\n1,"2\n3,4\n', 'a,b\n1,"2"x\n3,4\n', 'a,"b\n'])
def test_quotation_marks_that_do_not_fit_are_named(write: Write, text: str, fast: bool) -> None:
    with pytest.raises(DataError, match="quotation mark"):
        read(write(text), fast=fast)


@BOTH
@pytest.mark.parametrize("bad", ["1,2\n", "1,2,3,4\n", "1,2\n1,2,3,4\n", "1,2,3,4\n1,2\n", "1,2,3,\n"])
def test_ragged_lines_are_named_with_both_counts(write: Write, bad: str, fast: bool) -> None:
    path = write("a,b,label\n" + "1,2,x\n" * 5 + bad + "1,2,y\n" * 5)
    cells = bad.split("\n", maxsplit=1)[0].count(",") + 1
    with pytest.raises(DataError, match=f"line 7 has {cells} cells, the first line 3"):
        read(path, columns=["a"], fast=fast)


@BOTH
def test_a_comment_key_passes_over_lines_anywhere(write: Write, fast: bool) -> None:
    path = write('a,label\n1,x\n% it\'s 5" long\n2,"y\n%z"\n%\n3,z\n')
    table = read(path, Keys(comment="%"), fast=fast)
    assert table.numbers("a").tolist() == [1, 2, 3]
    assert list(table.lines) == [2, 4, 7]


def test_a_header_may_begin_with_a_hash(write: Write) -> None:
    assert find_style(write("#id,b,label\n1,2,x\n2,3,y\n")).names == ("#id", "b", "label")


def test_delimiters_that_stand_in_cells_do_not_mislead(write: Write) -> None:
    assert find_style(write("a;place\n1,5;Paris, France\n2,5;Rome, Italy\n")).delimiter == ";"
    assert find_style(write("place,b\nNew York,1\nLos Angeles,2\n")).delimiter == ","
    assert find_style(write("when,b\n2024-01-31 10:00,1\n2024-02-01 11:00,2\n")).delimiter == ","
    assert find_style(write("1,5;2,5\n3,5;4,5\n"), Keys(decimal=",")).delimiter == ";"
    assert find_style(write("review\nI liked it, really\nNo\nWell, well, well\n")).names == ("review",)
    assert find_style(write("x\n1.5\n2.5\n")).names == ("x",)


def test_a_delimiter_that_the_suffix_does_not_suggest_is_said(write: Write) -> None:
    assert any("';'" in note and "dataset.delimiter" in note for note in find_style(write("a;b\n1;2\n")).notes)
    assert not find_style(write("a,b\n1,2\n")).notes
    assert not find_style(write("a\tb\n1\t2\n", "t.tsv")).notes


@pytest.mark.parametrize(
    "keys", [{"delimiter": ",,"}, {"delimiter": '"'}, {"decimal": ";"}, {"thousands": "."}, {"comment": ""}]
)
def test_keys_that_cannot_be_are_refused(keys: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(keys))):
        Keys(**({"decimal": "."} | keys))  # type: ignore[arg-type]


# --- the header


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n", True),
        ("1,2\n3,4\n", False),
        ("0.5,1.5,yes\n0.7,1.2,no\n", False),
        ("NA,2\n1,2\n-2,2\n", False),
        (",2\n1,2\n-2,2\n", False),
        ("?,2\n1,2\n-2,2\n", False),
        ("k.A.,yes\n1,yes\n2,no\n", False),
        ("1,2\n", False),
        ("2,-2,pos\n", False),
        ("a,b,label\n", True),
        (",".join(map(str, range(8))) + "\n" + "0,3,5,9,1,0,0,2\n" * 3, True),
        (",".join(map(str, range(1, 9))) + "\n" + "0,3,5,9,1,0,0,2\n" * 3, True),
        ("0,1,2,3,label\n" + "5.1,3.5,1.4,0.2,setosa\n" * 5, True),
        ("name,2019,2020\n" + "x,1.5,2.5\ny,2.5,3.5\n" * 3, True),
        ("1,2,3,4,5\n2,3,4,5,6\n3,4,5,6,7\n", False),
        ("1,2,x\n2,3,y\n", False),
        ("0,1\n1,0\n1,1\n", False),
        ("0,0,0\n0,1,1\n1,0,1\n", False),
        ("1,2,3\n2,3,1\n3,1,2\n", False),
        ("0,0,5,13,9\n0,0,0,12,13\n", False),
        ("text,label\ngreat film,pos\npoor film,neg\nfine,pos\n", True),
        ("great film,pos\npoor film,neg\nfine,pos\n", False),
        ("flag,n\ntrue,1\nfalse,2\n", True),
        ("true,x\nfalse,y\n", False),
        ("when,x\n2024-01-01,y\n2024-01-02,y\n", True),
        ("2024-01-01,y\n2024-01-02,y\n", False),
        ('a,price\n1,"2,100"\n2,"3,100"\n', True),
    ],
)
def test_the_first_line_is_judged_by_the_types_below_it(write: Write, text: str, header: bool) -> None:
    assert find_style(write(text)).header is header


def test_the_key_and_a_name_that_is_given_beat_the_judgement(write: Write) -> None:
    path = write("1,2\n3,4\n")
    assert find_style(path, Keys(header=True)).names == ("1", "2")
    assert find_style(path, named=["2"]).header
    assert not find_style(write("a,b\n1,2\n"), Keys(header=False)).header


@pytest.mark.parametrize("text", ["0,1\n1,0\n1,1\n", "x\ny\nz\n", "k.A.,yes\n1,yes\n2,no\n"])
def test_where_it_is_in_doubt_it_says_so_with_the_key(write: Write, text: str) -> None:
    assert any("in doubt" in note and "dataset.header" in note for note in find_style(write(text)).notes)


@BOTH
def test_no_row_of_a_file_without_a_header_is_lost(write: Write, fast: bool) -> None:
    table = read(write("NA,2\n1,2\n-2,2\n"), fast=fast)
    assert table.names == ("column 0", "column 1")
    assert table.rows == 3
    assert table.missing("column 0").tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a,a,label\n1,2,x\n", "two columns are called 'a'"),
        ("a, a,label\n1,2,x\n", "two columns are called 'a'"),
        ("a,,label\n1,2,x\n", "column 2 has no printable name"),
        ("a,b\x07,label\n1,2,x\n", "column 2 has no printable name"),
        ("\n\na,a\n1,2\n", "line 3: two columns"),
        (",a\nx,1\ny,2\n", "column 1 has no printable name"),
        (",a\n1,1\n1,2\n", "column 1 has no printable name"),
    ],
)
def test_names_that_will_not_do_are_refused(write: Write, text: str, found: str) -> None:
    with pytest.raises(DataError, match=found):
        find_style(write(text), Keys(header=True))


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "# nothing\n"])
def test_an_empty_file_is_refused(write: Write, text: str) -> None:
    with pytest.raises(DataError, match=r"is empty|no data"):
        read(write(text))


def test_a_header_alone_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="no data"):
        read(write("a,b\n"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "none.csv")


# --- columns


@BOTH
def test_cells_are_float64_correctly_rounded(write: Write, fast: bool) -> None:
    rng = random.Random(7)
    values = [rng.choice([1, 1e9, 1e-300, 1e300]) * rng.uniform(-1, 1) for _ in range(3000)] + [
        5e-324,
        1.7976931348623157e308,
    ]
    path = write("a\n" + "".join(f"{v!r}\n" for v in values))
    assert read(path, fast=fast).numbers("a").tolist() == values


@BOTH
def test_time_stamps_keep_every_digit(write: Write, fast: bool) -> None:
    path = write("t,label\n" + "".join(f"{1.7e9 + i / 64!r},x\n" for i in range(100)))
    assert np.diff(read(path, fast=fast).numbers("t")).tolist() == [1 / 64] * 99


@BOTH
def test_missing_words_are_missing_everywhere(write: Write, fast: bool) -> None:
    table = read(write("a,label\n1,x\nNA,NA\n ,y\nnan,?\n \u00a0N/A ,x\n-,None\n"), fast=fast)
    assert table.kind("a") == "number"
    assert table.missing("a").tolist() == [False, True, True, True, True, True]
    assert table.missing("label").tolist() == [False, True, False, True, False, True]
    assert table.counts("label") == {"x": 2, "y": 1}
    assert table.texts("label").tolist() == ["x", "NA", "y", "?", "x", "None"]


@BOTH
def test_the_words_for_missing_can_be_said(write: Write, fast: bool) -> None:
    path = write("a,label\n1,x\n-999,NA\n2,none\n")
    table = read(path, Keys(missing_words=("-999", "none")), fast=fast)
    assert np.isnan(table.numbers("a")).tolist() == [False, True, False]
    assert table.missing("label").tolist() == [False, False, True]


@BOTH
def test_true_and_false_are_one_and_zero(write: Write, fast: bool) -> None:
    table = read(write("flag,label\nTrue,x\nFALSE,y\n,x\ntrue,y\n"), fast=fast)
    assert table.kind("flag") == "boolean"
    np.testing.assert_array_equal(table.numbers("flag"), [1, 0, np.nan, 1])
    assert read(write("f\nyes\nno\n"), Keys(header=True), fast=fast).kind("f") == "text"


@BOTH
def test_dates_have_parts(write: Write, fast: bool) -> None:
    path = write("when,b\n2024-02-29,1\n2024-03-01T12:30:15.5+02:00,2\n,3\n1969-12-31 23:59,4\n")
    table = read(path, fast=fast)
    assert table.kind("when") == "date"
    parts = table.dates("when", dates.PARTS)
    assert parts[0].tolist() == [2024, 2, 29, 3, 60, 0, 0, 0, 1709164800.0]
    assert parts[1].tolist() == [2024, 3, 1, 4, 61, 12, 30, 15.5, 1709289015.5]
    assert np.isnan(parts[2]).all()
    assert parts[3].tolist() == [1969, 12, 31, 2, 365, 23, 59, 0, -60.0]


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["31.01.2024", "1.2.2024"], "31.01.2024"),
        (["31/01/2024", "01/02/2024"], "31/01/2024"),
        (["01/31/2024", "02/01/2024"], "01/31/2024"),
        (["2024/1/31"], "2024/01/31"),
        (["2024-01-31T10:00Z", "2024-01-31 10:00:00,25"], "2024-01-31"),
        (["01/02/2024", "03/04/2024"], None),
        (["31/01/2024", "01/31/2024"], None),
        (["2024-02-30"], None),
        (["2024-13-01"], None),
        (["2024-01-31", "31.01.2024"], None),
        (["20240131"], None),
        (["2024-01-31 25:00"], None),
    ],
)
def test_only_dates_that_can_be_read_in_one_way_are_dates(cells: list[str], form: str | None) -> None:
    assert dates.form(cells) == form


def test_a_form_that_is_known_reads_what_alone_is_in_doubt(write: Write) -> None:
    table = read(write("when,b\n01/02/2024,1\n"))
    assert table.kind("when") == "text"
    assert table.dates("when", ["day"], "31/01/2024").tolist() == [[1]]
    with pytest.raises(DataError, match="line 2, column 'when': '01/02/2024' is no date"):
        table.dates("when", ["day"])


@BOTH
def test_text_among_numbers_is_named_with_line_column_and_cell(write: Write, fast: bool) -> None:
    path = write("a,b\n" + "1,2\n" * 20 + "1,Total\n" + "1,2\n" * 5)
    table = read(path, fast=fast)
    assert table.kind("b") == "text"
    assert table.mixed("b") == 20
    assert table.mixed("a") is None
    with pytest.raises(DataError, match=r"'.*t\.csv' line 22, column 'b': 'Total' is no number"):
        table.numbers("b")
    with pytest.raises(DataError, match="line 22, column 'b'"):
        table.matrix(["a", "b"])


@BOTH
def test_text_after_many_rows_of_numbers_is_read_as_text(write: Write, fast: bool) -> None:
    path = write("a,b,c\n" + "1,02,3\n" * 300_000 + "4,x5,6\n")
    with mock.patch.object(source, "PIECE", 1 << 19):
        table = read(path, fast=fast)
    assert table.kind("b") == "text"
    assert table.counts("b") == {"02": 300_000, "x5": 1}
    assert table.matrix(["a", "c"])[-2:].tolist() == [[1, 3], [4, 6]]
    assert table.matrix(["a", "c"]).shape == (300_001, 2)


@BOTH
@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("10,5", 'dataset.decimal: ","'),
        ("2,100", 'dataset.thousands: ","'),
        ("$5", "'$'"),
        ("inf", "finite"),
        ("1e999", "leave the line out"),
        ("abc", "dataset.missing"),
    ],
)
def test_a_cell_that_is_no_number_comes_with_its_cure(write: Write, cell: str, hint: str, fast: bool) -> None:
    table = read(write(f"a;b\n1;2\n{cell};3\n"), fast=fast)
    with pytest.raises(DataError, match="line 3, column 'a'") as caught:
        table.numbers("a")
    assert hint in caught.value.hint


@BOTH
def test_decimal_commas_and_thousands_are_read(write: Write, fast: bool) -> None:
    path = write("a;b\n1.234,5;1\n-12,25;2\n;3\n1.000.000;4\n")
    table = read(path, Keys(decimal=",", thousands="."), fast=fast)
    np.testing.assert_array_equal(table.numbers("a"), [1234.5, -12.25, np.nan, 1000000])
    path = write('a,b\n"2,100",1\n"1,234,567.5",2\n300,3\n')
    assert read(path, Keys(thousands=","), fast=fast).numbers("a").tolist() == [2100, 1234567.5, 300]


@BOTH
def test_a_cell_that_breaks_the_groups_of_thousands_is_named(write: Write, fast: bool) -> None:
    table = read(write('a,b\n"2,100",1\n"12,34",2\n'), Keys(thousands=","), fast=fast)
    with pytest.raises(DataError, match="line 3, column 'a': '12,34' is no number") as caught:
        table.numbers("a")
    assert "groups of three" in caught.value.hint or "dataset.decimal" in caught.value.hint


@BOTH
def test_labels_that_are_whole_numbers_are_compared_as_such(write: Write, fast: bool) -> None:
    path = write("a,label\n1,12345678901234567890\n2,12345678901234567891\n3,\n4,1.0\n5,1\n")
    table = read(path, text=["label"], fast=fast)
    assert table.wholes("label") == [12345678901234567890, 12345678901234567891, None, 1, 1]
    assert read(write("a,label\n1,01\n2,1\n"), text=["label"], fast=fast).wholes("label") is None


@BOTH
def test_columns_that_are_not_wanted_are_not_read(write: Write, fast: bool) -> None:
    table = read(write("a,b,c\n1,x,2\n3,y,4\n"), columns=["c", "a"], fast=fast)
    assert table.names == ("a", "b", "c")
    assert table.numbered == ["c", "a"]
    assert table.matrix(["c", "a"]).tolist() == [[2, 1], [4, 3]]
    with pytest.raises(KeyError):
        table.kind("b")


def test_the_matrix_of_all_numbers_is_no_second_copy(write: Write) -> None:
    table = read(write("a,b,label\n1,2,x\n3,4,y\n"))
    assert np.shares_memory(table.matrix(["a", "b"]), table.values)
    assert table.values.flags.c_contiguous


@BOTH
def test_numbers_can_be_had_as_they_are_written(write: Write, fast: bool) -> None:
    assert read(write("a,b\n1.50,2\n02,3\n"), fast=fast).texts("a").tolist() == ["1.50", "02"]


@BOTH
def test_cells_are_shown_escaped_and_short(write: Write, fast: bool) -> None:
    table = read(write("a,b\n1,2\n\x1b[31m" + "x" * 500 + ",3\n"), fast=fast)
    with pytest.raises(DataError) as caught:
        table.numbers("a")
    assert "\x1b" not in caught.value.message
    assert "x" * 40 not in caught.value.message


# --- a part at a time


@BOTH
def test_a_stream_gives_the_rows_of_the_table_in_order(write: Write, fast: bool) -> None:
    path = write("a,label\n" + "".join(f"{i},{'xy'[i % 2]}\n" for i in range(1000)))
    with mock.patch.object(source, "PIECE", 512):
        parts = list(stream(path, rows_at_once=100, fast=fast))
    assert all(0 < part.rows <= 100 for part in parts)
    assert [n for part in parts for n in part.numbers("a")] == list(range(1000))
    assert [c for part in parts for c in part.texts("label")] == list("xy" * 500)
    assert [line for part in parts for line in part.lines] == list(range(2, 1002))


@BOTH
def test_a_stream_names_the_line_of_a_cell(write: Write, fast: bool) -> None:
    path = write("a,b\n" + "1,2\n" * 500 + "x,2\n" + "1,2\n" * 500)
    with mock.patch.object(source, "PIECE", 512), pytest.raises(DataError, match="line 502, column 'a': 'x'"):
        _ = [some.numbers("a") for some in stream(path, fast=fast)]


# --- both ways read alike

CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "1",
            "-2.5",
            "+3",
            "1e5",
            ".5",
            "7.",
            "NA",
            "nan",
            "NaN",
            "inf",
            "-inf",
            "Infinity",
            "1_000",
            "0x1",
            "1d5",
            "\u0661",
            "1e999",
            "1e-400",
            " 4 ",
            "\u00a05",
            "6\t",
            "x",
            "true",
            "False",
            "a b",
            "2024-01-31",
            "null",
            "?",
            "1,5",
            "2.100,5",
            "00",
            "-0",
            '"q"',
            '"1.5"',
            '"a,b"',
            '"a\nb"',
            '"a""b"',
            'a"b',
            '""',
            ' "s"',
            '"t" ',
            '"',
            '"u"v',
            "\u00e9",
            "e\u0301",
            "1e",
            "\ufeff1",
            "1\x1f",
        ]
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.text(st.sampled_from("0123456789+-.eE_, \u00a0"), max_size=8),
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width + (width > 2)), min_size=1, max_size=8)
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=TABLES,
    delimiter=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    last=st.booleans(),
    piece=st.sampled_from([1, 7, 64, 1 << 20]),
    keys=st.sampled_from(
        [{}, {"decimal": ","}, {"thousands": ","}, {"decimal": ",", "thousands": "."}, {"missing_words": ("", "1")}]
    ),
    text=st.booleans(),
)
def test_the_fast_way_reads_what_the_plain_way_does(
    write: Write, rows, delimiter, end, last, piece, keys, text
) -> None:
    content = end.join(delimiter.join(row) for row in rows) + (end if last else "")
    path = write(content)
    given_keys = Keys(header=False, delimiter="tab" if delimiter == "\t" else delimiter, **keys)
    try:
        style = find_style(path, given_keys)
    except DataError:
        return
    as_text = style.names[:1] if text else ()
    plain = outcome(path, style, fast=False, text=as_text)
    with mock.patch.object(source, "PIECE", piece):
        assert outcome(path, style, fast=True, text=as_text) == plain
        assert outcome(path, style, fast=False, text=as_text) == plain


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(st.sampled_from('ab01.,;"\n\r\t #-\u00e9\0'), max_size=200).map(str.encode),
    ),
    packed=st.booleans(),
    codec=st.sampled_from(["auto", "utf-16", "latin-1", "utf-7", "idna", "punycode", "unicode_escape", "shift_jis"]),
)
def test_any_bytes_are_a_table_or_refused(write: Write, content: bytes, packed: bool, codec: str) -> None:
    path = write(gzip.compress(content) if packed else content)
    for fast in (False, True):
        try:
            everything(read(path, Keys(encoding=codec), fast=fast))
        except DataError as error:
            message = error.message
        else:
            message = ""
        assert not message or message.isprintable()


# --- parquet, and what is kept


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    import datetime

    import polars as pl

    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {
            "n": [1.5, None, 2**53 + 1.0],
            "i": [1, 2, 2**62 + 1],
            "flag": [True, None, False],
            "when": [datetime.datetime(2024, 2, 29, 12, 30), None, datetime.datetime(1969, 12, 31)],
            "day": [datetime.date(2024, 2, 29)] * 3,
            "label": ["01", "1", None],
            "list": [[1], [2], [3]],
        }
    ).write_parquet(path)
    return path


def test_a_parquet_file_keeps_its_types(parquet: Path) -> None:
    wanted = ["n", "i", "flag", "when", "day", "label"]
    table = read(parquet, columns=wanted, text=["i"])
    assert [table.kind(name) for name in wanted] == ["number", "number", "boolean", "date", "date", "text"]
    np.testing.assert_array_equal(table.numbers("n"), [1.5, np.nan, 2.0**53])
    np.testing.assert_array_equal(table.numbers("flag"), [1, np.nan, 0])
    assert table.wholes("i") == [1, 2, 2**62 + 1]
    assert table.missing("label").tolist() == [False, False, True]
    assert table.texts("label").tolist() == ["01", "1", ""]
    assert table.dates("when", ["year", "hour", "timestamp"])[0].tolist() == [2024, 12, 1709209800.0]
    assert table.dates("day", ["day"]).tolist() == [[29]] * 3
    assert table.where(1, "n") == f"{str(parquet)!r} row 2, column 'n'"
    with pytest.raises(DataError, match="row 1, column 'label': '01' is no number"):
        table.numbers("label")


def test_a_parquet_column_of_lists_is_refused_where_it_is_wanted(parquet: Path) -> None:
    with pytest.raises(DataError, match="column 'list'"):
        read(parquet)


def test_a_parquet_file_is_streamed(parquet: Path) -> None:
    parts = list(stream(parquet, columns=["i", "label"], rows_at_once=2))
    assert [part.rows for part in parts] == [2, 1]
    assert list(parts[1].lines) == [3]


def test_a_damaged_parquet_file_is_refused(write: Write) -> None:
    for content in (b"", b"PAR1", b"PAR1" + b"\0" * 50 + b"PAR1"):
        with pytest.raises(DataError, match="parquet"):
            read(write(content, "t.parquet"))


@BOTH
def test_a_table_comes_back_from_its_arrays(write: Write, fast: bool) -> None:
    path = write("a,when,label\n1,2024-01-31,x\n\n,,y\n3,2024-02-29,NA\n")
    table = read(path, fast=fast)
    again = unpack(path, table.style, pack(table))
    assert again.numbers("a").tobytes() == table.numbers("a").tobytes()
    assert list(again.lines) == list(table.lines) == [2, 4, 5]
    assert [again.kind(name) for name in table.names] == ["number", "date", "text"]
    assert again.missing("label").tolist() == [False, False, True]
    with pytest.raises(ValueError, match=r"table|shapes"):
        unpack(path, table.style, pack(table) | {"values": table.values[:1]})


def test_the_key_of_a_table_tells_files_and_ways_of_reading_apart(write: Write) -> None:
    path = write("a,b\n1,2\n")
    style = find_style(path)
    keys = {key(path, style), key(path, style, ["a"]), key(path, style, ["b"]), key(path, style, text=["a"])}
    keys |= {key(path, find_style(path, Keys(missing_words=("1",))))}
    assert len(keys) == 5
    assert key(path, style) in keys
    write("a,b\n1,3\n")
    assert key(path, style) not in keys


def test_text_that_one_part_has_is_read_as_it_is_written_in_all(write: Write) -> None:
    path = write(', "s"\n,0\n,1.50\n')
    style = find_style(path, Keys(header=False, delimiter=","))
    for piece in (1, 1 << 20):
        with mock.patch.object(source, "PIECE", piece):
            assert read(path, style, fast=True).texts("column 1").tolist() == ["s", "0", "1.50"]
