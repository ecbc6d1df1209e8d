"""The strict YAML reader: the types of YAML 1.2, the place of each key and value, and what is refused."""

import math
from contextlib import suppress
from pathlib import Path

import pytest
import yaml as pyyaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nnlab.config import yaml
from nnlab.errors import ConfigError


def read(text: str):
    return yaml.read(text, "c.yaml").data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.0", -0.0),
        ("+7", 7),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2001-12-14", "2001-12-14"),
        ("1.2.3", "1.2.3"),
        ("e3", "e3"),
        ("--1", "--1"),
        ("=", "="),
        (".inf", math.inf),
        (".Inf", math.inf),
        ("+.INF", math.inf),
        ("-.inf", -math.inf),
        ("inf", "inf"),
        ("nan", "nan"),
        (".iNf", ".iNf"),
        ("1e400", math.inf),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("none", "none"),
        ("", None),
        ("'010'", "010"),
        ('"true"', "true"),
        ("''", ""),
        ("|\n  3\n", "3\n"),
        ("[1, [no, ~]]", [1, ["no", None]]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        ("1: a", {"1": "a"}),
        ("no: a", {"no": "a"}),
        ("%YAML 1.1\n---\nno\n...\n", "no"),
        ("\ufeffa", "a"),
        ("- grüße\n- 數字\n- 🙂", ["grüße", "數字", "🙂"]),
    ],
)
def test_a_value_has_its_type_by_the_core_schema_of_yaml_1_2(text, value):
    found = read(text)
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)  # tells -0.0 from 0.0


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_nan_is_read_in_its_three_spellings_for_the_config_to_refuse(text):
    assert math.isnan(read(text))


@pytest.fixture(params=["in C", "in Python", "that gives up"])
def parser(request, monkeypatch):
    """Each parser that a PyYAML may have, the last one such as of a version that allows fewer brackets than now."""
    if request.param == "in C" and not pyyaml.__with_libyaml__:
        pytest.skip("this PyYAML has no parser in C")
    loaders = {"in Python": pyyaml.SafeLoader, "that gives up": GivesUp}
    if loader := loaders.get(request.param):
        monkeypatch.setattr(yaml, "_LOADER", loader)
    return request.param


class GivesUp(pyyaml.SafeLoader):
    """Reads ahead as every parser does, and refuses 100 brackets before it hands over the first."""

    def fetch_flow_collection_start(self, token):
        if self.flow_level >= 100:
            raise pyyaml.scanner.ScannerError(None, None, "exceeded maximum nesting depth", self.get_mark())
        super().fetch_flow_collection_start(token)


@pytest.mark.parametrize("digits", [400, 401, 5000, 100_000])
def test_a_whole_number_of_many_digits_is_read_without_an_error_of_pythons(digits):
    value = read("9" * digits)
    assert isinstance(value, int) or value == math.inf


@pytest.mark.parametrize("text", ["9" * 400, "-" + "9" * 400, "0x" + "f" * 300, "0x" + "f" * 400, "0o" + "7" * 400])
def test_a_number_of_many_digits_is_dumped_as_what_it_was_read_as(text):
    assert read(yaml.dump(read(text))) == read(text)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "c.yaml:3:1", "the key 'a' stands here a second time"),
        ("a:\n  b: 1\n  'b': 2\n", "c.yaml:3:3", "the key 'b' stands here a second time"),
        ("{a: 1, a: 2}", "c.yaml:1:8", "the key 'a' stands here a second time"),
        ("a: !!python/object/apply:os.system [true]", "c.yaml:1:4", "the tag 'tag:yaml.org,2002:python/object"),
        ("a: !!str 3", "c.yaml:1:4", "the tag"),
        ("a: !mine 3", "c.yaml:1:4", "the tag '!mine'"),
        ("a: ! 3", "c.yaml:1:4", "the tag '!'"),
        ("!!map {a: 1}", "c.yaml:1:1", "the tag"),
        ("!!str a: 1", "c.yaml:1:1", "the tag"),
        ("a: &x 3", "c.yaml:1:4", "the anchor &x"),
        ("&x a: 3", "c.yaml:1:1", "the anchor &x"),
        ("a: &x [1]\nb: *x", "c.yaml:1:4", "the anchor &x"),
        ("a: *x", "c.yaml:1:4", "the alias *x"),
        ("*x : 3", "c.yaml:1:1", "the alias *x"),
        ("<<: *x", "c.yaml:1:5", "the alias *x"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2:1", "a second document starts here"),
        ("? [a, b]\n: 1\n", "c.yaml:1:3", "a key must be a plain word"),
        ("{{a: 1}: 2}", "c.yaml:1:2", "a key must be a plain word"),
        ("a: [1, 2\n", "c.yaml:2:1", "expected ',' or ']'"),
        ("a: b: c", "c.yaml:1:5", "mapping values are not allowed"),
        ("a:\n\tb: 1\n", "c.yaml:2:1", "cannot start any token"),
        ("a: 'open", "c.yaml:1:9", "unexpected end of stream"),
        ("a: %x", "c.yaml:1:4", "cannot start any token"),
        ("a: @x", "c.yaml:1:4", "cannot start any token"),
        ("a: 1\n b: 2\n", "c.yaml:2:3", "mapping values are not allowed"),
        ("a: x\x07y", "c.yaml:1:5", "the character '\\x07' is not allowed"),
        ("a: 1\nb: \x1b[31m", "c.yaml:2:4", "the character '\\x1b' is not allowed"),
        ("a: \ud800", "c.yaml:1:4", "the character '\\ud800' is not allowed"),
        ("a: \x00", "c.yaml:1:4", "the character '\\x00' is not allowed"),
        ("[" * 100_000, "c.yaml:1:21", "nested too deeply"),
        ("{a: " * 50_000, "c.yaml:1:81", "nested too deeply"),
        ("- " * 100_000, "c.yaml:1:41", "nested too deeply"),
        ("[" * 21 + "]" * 21, "c.yaml:1:21", "nested too deeply"),
        ("a: " + "[" * 5000, "c.yaml:1:23", "nested too deeply"),
        ("# ü\nb: {k: " + "[" * 1200 + "]" * 1200 + "}", "c.yaml:2:26", "nested too deeply"),
        ("\ufeff" + "[" * 5000, "c.yaml:1:21", "nested too deeply"),
        ("[" * 50 + "@", "c.yaml:1:21", "nested too deeply"),
        ("{" * 5000, "c.yaml:1:2", "a key must be a plain word"),
        ("? " + "[" * 5000, "c.yaml:1:3", "a key must be a plain word"),
        ("{a: 1, a: 2, b: " + "[" * 5000, "c.yaml:1:8", "the key 'a' stands here a second time"),
        ("[[1, 2\n", "c.yaml:2:1", "expected ',' or ']'"),
        ("- [- 1]", "c.yaml:1:4", "node content"),
        ("a: !" + "x" * 5000 + "!y 1", "c.yaml:1:4", "found undefined tag handle"),
        ("[" + "1," * 20_000 + "]", "c.yaml:1:20000", "too many values"),
        ("a: '" + "x" * 300_000 + "'", "c.yaml:1:262145", "300,005 characters are too many"),
        ("a: 1\n" * 60_000, "c.yaml:52429:5", "300,000 characters are too many"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_anything_but_plain_data_is_refused_with_its_place_by_every_parser(text, place, message, parser):
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert refused.value.message.startswith(f"{place}: ")
    assert message in refused.value.message
    assert refused.value.hint
    assert len(str(refused.value)) < 300


def test_a_second_key_is_told_where_the_first_stands():
    with pytest.raises(ConfigError) as refused:
        read("lr: 1\nmomentum: 0\nlr: 2\n")
    assert "c.yaml:1:1" in refused.value.hint


def test_twenty_levels_are_not_too_deep():
    assert read("[" * 19 + "7" + "]" * 19)


def test_each_key_and_value_knows_its_line_and_column():
    found = yaml.read("# a comment\nmodel:\n  name: x\n  hidden: [150,\n    20]\ntrain: {lr: 0.1}\n", "c.yaml")
    assert found.keys == {
        ("model",): "c.yaml:2:1",
        ("model", "name"): "c.yaml:3:3",
        ("model", "hidden"): "c.yaml:4:3",
        ("train",): "c.yaml:6:1",
        ("train", "lr"): "c.yaml:6:9",
    }
    assert found.values == {
        (): "c.yaml:2:1",
        ("model",): "c.yaml:3:3",
        ("model", "name"): "c.yaml:3:9",
        ("model", "hidden"): "c.yaml:4:11",
        ("model", "hidden", 0): "c.yaml:4:12",
        ("model", "hidden", 1): "c.yaml:5:5",
        ("train",): "c.yaml:6:8",
        ("train", "lr"): "c.yaml:6:13",
    }


def test_windows_line_ends_and_a_byte_order_mark_do_not_shift_places():
    found = yaml.read("\ufeffa: 1\r\nb:\r\n  c: 2\r\n", "c.yaml")
    assert found.data == {"a": 1, "b": {"c": 2}}
    assert found.values["b", "c"] == "c.yaml:3:6"


TRICKY = st.sampled_from(
    "no yes on off y n true True null Null ~ 010 0o17 0x1F 1e-3 1_000 1:30 .inf .nan -.INF 1. .5 = << 2001-12-14 "
    "- ? : # & * ! | > % @ ` ' \" [ ] { } , a:b a:_b #c -x 1\n |\n".replace("_b", " b").split(" ")
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | TRICKY
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | TEXT
    | st.sampled_from([math.inf, -math.inf, 1e-300, 1e22, 5e-324, 0.1 + 0.2])
)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@settings(max_examples=150, deadline=None)
@given(PLAIN)
@example("a\x85b\u2028c\ufeff")
@example({"": "", " a": "b ", "~": None, "a\nb": "a\n\nb\n"})
@example(["", [], {}, [[]], [{}], {"a": [{}, {"b": []}]}])
def test_what_is_dumped_reads_back_as_the_same(data):
    text = yaml.dump(data)
    assert yaml.read(text, "c.yaml").data == data
    assert repr(yaml.read(text, "c.yaml").data) == repr(data)  # tells 1 from 1.0 and True


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text("[]{}:,-?&*!|>'\"%@` \n\ta1.#~=<", max_size=40))
@example('"\\ud800"')
@example("\\")
@example("? ")
@example("--- a\n...\n--- b")
def test_any_text_is_read_or_refused(text):
    with suppress(ConfigError):
        read(text)


def test_the_parser_in_python_reads_as_the_one_in_c_does(monkeypatch):
    text = (Path(__file__).parent.parent / "configs" / "ann.yaml").read_text()
    fast = yaml.read(text, "c.yaml")
    monkeypatch.setattr(yaml, "_LOADER", pyyaml.SafeLoader)
    assert yaml.read(text, "c.yaml") == fast
