"""Reading documents: values, places, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.document import Document, Mark, Path, parse_document, read_document
from engine.errors import PlanError
from engine.yaml_subset import parse_yaml

SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
ANY_TEXT = st.text(max_size=12)
# What YAML can write as it is in a double-quoted JSON string
PLAIN_TEXT = st.text(st.characters(max_codepoint=0xD7FF, exclude_categories=("C", "Z")), max_size=9)


def json_values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        SCALARS.filter(lambda value: value not in (float("inf"), float("-inf"))) | text,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=20,
    )


def paths(value: Any, path: Path = ()) -> dict[Path, Any]:
    found = {path: value}
    children = enumerate(value) if isinstance(value, list) else ()
    for part, child in value.items() if isinstance(value, dict) else children:
        found |= paths(child, (*path, part))
    return found


def offset(text: str, mark: Mark) -> int:
    return sum(len(line) + 1 for line in text.split("\n")[: mark.line - 1]) + mark.column - 1


def refusal(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        read_document(text, "f")
    return [str(problem) for problem in caught.value.problems]


@given(json_values(ANY_TEXT), st.sampled_from([None, "\t", 1]), st.booleans())
def test_any_json_is_read_as_json_reads_it_and_every_place_is_right(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    document = read_document(text, "f.json") if text.strip() else None
    assert document is not None
    assert json.dumps(document.data) == json.dumps(value)
    decoder = json.JSONDecoder()
    for path, expected in paths(value).items():
        place = document.places[path]
        found, _ = decoder.raw_decode(text, offset(text, place.value))
        assert json.dumps(found) == json.dumps(expected)
        if place.key is not None:
            assert decoder.raw_decode(text, offset(text, place.key))[0] == path[-1]


@given(json_values(PLAIN_TEXT), st.sampled_from([None, 1]))
def test_yaml_and_json_agree_on_values_and_places(value, indent):
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    as_json, as_yaml = read_document(text, "f"), parse_yaml(text, "f")
    assert as_yaml.data == as_json.data
    assert as_yaml.places == as_json.places


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_with_a_place(text):
    try:
        parse_document(text, "f")
    except PlanError as error:
        assert error.problems
        assert all(problem.where.startswith("f:") for problem in error.problems)


def test_yaml_block_style_has_the_place_of_every_key_and_value():
    document = read_document("disks:\n  default:\n    device: /dev/sda\nkargs:\n- quiet\n", "k")
    assert document.place(("disks", "default", "device")) == "k:3:13"
    assert document.place(("disks", "default", "device"), of_key=True) == "k:3:5"
    assert document.place(("kargs", 0)) == "k:5:3"


def test_what_is_not_there_has_the_place_of_what_is_around_it():
    document = read_document('{"a": {"b": 1}}', "k")
    assert document.place(("a", "c", "d")) == "k:1:7"
    assert document.place(("a", "c"), of_key=True) == "k:1:7"


def test_yaml_has_no_octal_sexagesimal_date_or_yes():
    text = (
        "mode: 0644\nmac: 00:11:22:33:44:55\nat: 12:30:00\nday: 2024-01-02\nanswer: yes\nhex: 0x1f"
    )
    assert read_document(text, "f").data == {
        "mode": "0644",
        "mac": "00:11:22:33:44:55",
        "at": "12:30:00",
        "day": "2024-01-02",
        "answer": "yes",
        "hex": "0x1f",
    }


def test_yaml_core_scalars():
    text = "a: true\nb: ~\nc: -12\nd: 1.5\ne: '1'\nf:\n100: key\n"
    expected = {"a": True, "b": None, "c": -12, "d": 1.5, "e": "1", "f": None, "100": "key"}
    assert read_document(text, "f").data == expected


def test_json_escapes_and_tabs():
    document = read_document('{\n\t"a":\t"\\/dev\\/sda \\ud83d\\ude00"\n}', "f")
    assert document.data == {"a": "/dev/sda \U0001f600"}
    assert document.place(("a",)) == "f:2:7"


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert read_document('\ufeff{"a": 1}', "f").place(("a",)) == "f:1:7"


def test_every_duplicate_key_is_named_with_both_places():
    assert refusal('{"a": 1,\n "b": {"c": 1, "c": 2},\n "a": 3}') == [
        'f:2:16: the key "c" is given twice, first at 2:8',
        'f:3:2: the key "a" is given twice, first at 1:2',
    ]
    assert refusal("a: 1\nb: 2\na: 3") == ['f:3:1: the key "a" is given twice, first at 1:1']


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('{"a": 1,}\t', "1:9", "comma after the last item"),
        ('{\t"a" 1}', "1:7", "expecting ':'"),
        ('{\t"a": 1\n\t"b": 2}', "2:2", "comma missing"),
        ("a: [1", "1:6", "not valid YAML"),
        ("a:\n\tb: 1", "2:1", "tab is used for indentation"),
        ("a: b: c", "1:5", "quote the text"),
        ("- !tag 1", "1:3", "tags"),
        ("- !!python/name:os.system x", "1:3", "tags"),
        ("a: &b [*b]", "1:4", "contains itself"),
        ("x: &x {a: 1}\ny:\n  <<: *x", "3:3", "merge keys"),
        ("a: 1\n---\nb: 2", "2:1", "more than one document"),
        ("? [a]\n: 1", "1:3", "key that is no text"),
        ("", "1:1", "empty"),
        ("# nothing\n", "1:1", "empty"),
        ("a: \x01", "1:4", "character"),
        ("[" * 70 + "]" * 70, "1:65", "64 levels"),
        ("a: " + "[" * 70 + "]" * 70, "1:67", "64 levels"),
        ("[" * 200_000, "1:1", "64 levels"),
    ],
)
def test_syntax_errors_name_their_place(text, place, words):
    [problem] = refusal(text)
    assert problem.startswith(f"f:{place}: ")
    assert words in problem


def test_aliases_are_followed():
    assert read_document("a: &k [1, 2]\nb: *k", "f").data == {"a": [1, 2], "b": [1, 2]}


def test_an_alias_bomb_is_refused():
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 10)]
    [problem] = refusal("\n".join(["l0: &l0 [x, x, x, x, x, x, x, x, x]", *levels]))
    assert "100000 values" in problem


@pytest.mark.parametrize("text", ["p: *hunter2", "p: !hunter2 x", 'p: "hunter2', "p: %hunter2"])
def test_unreadable_text_is_never_quoted_for_it_may_be_a_password(text):
    assert "hunter2" not in "".join(refusal(text))


def test_moved_values_keep_their_places():
    document = read_document('{"old": {"x": [1, 2]}}', "f")
    moved = document.with_value(("new", "deep"), document.find(("old",)), like=("old",))
    moved = moved.without(("old",))
    assert moved.data == {"new": {"deep": {"x": [1, 2]}}}
    assert moved.place(("new", "deep", "x", 1)) == document.place(("old", "x", 1))
    assert moved.place(("new", "deep"), of_key=True) == "f:1:2"


def test_values_in_lists_can_be_replaced_and_removed():
    document = Document("f", {"a": [{"b": 1, "c": 2}, 3]}, {})
    assert document.with_value(("a", 1), 4, like=("a",)).data == {"a": [{"b": 1, "c": 2}, 4]}
    assert document.without(("a", 0, "b")).data == {"a": [{"c": 2}, 3]}
    assert document.without(("a", 1)).data == {"a": [{"b": 1, "c": 2}]}
    assert document.without(("x", "y")).data == document.data
    assert not document.has(("a", 7))
    assert not document.has(("a", "x"))
