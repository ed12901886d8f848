"""Models over documents: every mistake with its place, its value, its rule and a suggestion."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.document import parse_document, read_document, validate
from engine.errors import PlanError
from engine.validation import SECRET, RuleError, check, quoted


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Part(Strict):
    name: str
    size: int = Field(0, ge=0)


class Password(Strict):
    text: str
    age: int = -1


def absolute(value: object) -> object:
    if isinstance(value, str) and not value.startswith("/"):
        raise RuleError("must be an absolute path", f'write "/{value}"')
    return value


class Machine(Strict):
    parts: list[Part] = []
    password: Annotated[Password | None, SECRET] = None
    kind: Literal["gpt", "msdos"] = "gpt"
    path: Annotated[str, BeforeValidator(absolute)] = "/"
    packages: str | list[str] = []
    either: Part | str | None = None
    fast: bool = True
    by_name: dict[str, Part] = {}
    dashed: str = Field("", alias="dash-ed")


def mistakes(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        validate(parse_document(text, "f"), Machine)
    return [str(problem) for problem in caught.value.problems]


def test_a_right_document_becomes_the_model():
    document = read_document("parts: [{name: a}]\ndash-ed: x", "f")
    assert validate(document, Machine) == Machine(parts=[Part(name="a")], **{"dash-ed": "x"})


def test_every_mistake_is_named_in_the_order_of_the_text():
    text = """\
parts:
  - name: a
    size: -1
  - nam: b
  - {size: x, name: d}
  - 7
knd: msdos
kind: gptt
path: etc
fast: yes
by_name:
  one: {name: a, syze: 1}
dash_ed: x
fast: no
"""
    assert mistakes(text) == [
        "f:3:11: parts[0].size: must be at least 0, not -1",
        'f:4:5: unknown key "nam" in parts[1] (did you mean "name"?)',
        'f:5:12: parts[2].size: must be a whole number, not "x"',
        "f:6:5: parts[3]: must be a map, not 7",
        'f:7:1: unknown key "knd"',
        'f:8:7: kind: must be one of gpt, msdos, not "gptt" (did you mean "gpt"?)',
        'f:9:7: path: must be an absolute path, not "etc" (write "/etc")',
        'f:12:18: unknown key "syze" in by_name.one (did you mean "size"?)',
        'f:13:1: unknown key "dash_ed" (did you mean "dash-ed"?)',
        'f:14:1: the key "fast" is given twice, first at 10:1',
        'f:14:7: fast: must be true or false, not "no" (write false)',
    ]


def test_a_missing_key_is_named_at_what_lacks_it():
    assert mistakes("parts:\n  - size: 1") == ['f:2:5: parts[0]: the key "name" is missing']


def test_a_misspelt_key_is_one_mistake_not_two():
    assert mistakes("parts:\n  - naem: a") == [
        'f:2:5: unknown key "naem" in parts[0] (did you mean "name"?)'
    ]


def test_numbers_where_text_is_wanted_get_the_hint_to_quote_them():
    assert mistakes("path: 5") == ['f:1:7: path: must be text, not 5 (put it in quotes: "5")']


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2",
        "password: {text: [hunter2]}",
        "password: {text: x, age: hunter2}",
        "password: {text: x, txt: hunter2}",
        "password: [hunter2]",
        "password: {text: 5551234}",
    ],
)
def test_secret_values_are_never_shown(text):
    shown = "".join(mistakes(text))
    assert "hunter2" not in shown
    assert "5551234" not in shown


def test_a_union_is_one_mistake_with_all_alternatives():
    assert mistakes("packages: 5") == [
        'f:1:11: packages: must be text or a list, not 5 (put it in quotes: "5")'
    ]


def test_a_union_complains_about_the_alternative_that_fits():
    assert mistakes("either: {name: 5}") == [
        'f:1:16: either.name: must be text, not 5 (put it in quotes: "5")'
    ]
    assert mistakes("packages: [a, 5]") == [
        'f:1:15: packages[1]: must be text, not 5 (put it in quotes: "5")'
    ]


@pytest.mark.parametrize(("text", "what"), [("[1]", "a list"), ("x", '"x"'), ("~", "nothing")])
def test_a_document_that_is_no_map_is_one_mistake(text, what):
    assert mistakes(text) == [f"f:1:1: the document: must be a map, not {what}"]


def test_what_is_left_of_a_document_with_mistakes_can_be_looked_at():
    text = "parts:\n- {name: a}\n- {nam: b}\n- {size: 2}\n- {name: d, size: q}\nkind: x"
    checked = check(parse_document(text, "f"), Machine)
    assert checked.value == Machine(parts=[Part(name="a"), Part(name="d")])
    assert checked.original(("parts", 1, "size")) == ("parts", 3, "size")
    assert checked.doubts("parts", 1, "size")
    assert not checked.doubts("parts", 1, "name")
    assert not checked.doubts("parts", 0)
    assert checked.doubts("kind")
    assert checked.doubts("parts")
    assert not checked.doubts("path")


def test_long_and_odd_values_are_shown_on_one_short_line():
    assert quoted("a\nb") == '"a?b"'
    assert len(quoted("x" * 500)) == 60
    assert quoted(True) == "true"
