"""What the terminal can show is decided before the screens start."""

import os
import pty
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PhotreeError
from tui.driver import ascii_only
from tui.terminal import is_plain, prepare, size_of


@pytest.mark.parametrize("name", ["linux", "vt100", "vt220", "vt102", "linux-16color"])
def test_consoles_and_serial_lines_get_ascii(name):
    environment = {"TERM": name, "LANG": "C.UTF-8", "COLUMNS": "200", "LINES": "2"}
    assert prepare(environment, interactive=True).plain
    assert environment["TEXTUAL_DISABLE_KITTY_KEY"] == "1"
    assert "COLUMNS" not in environment
    assert "LINES" not in environment


def test_other_terminals_get_unicode_where_the_locale_has_it():
    assert not is_plain("xterm-256color", {"LANG": "de_DE.UTF-8"})
    assert not is_plain("xterm", {"LC_ALL": "C.utf8", "LANG": "C"})
    assert is_plain("xterm", {"LC_ALL": "C", "LANG": "de_DE.UTF-8"})
    assert is_plain("xterm", {})


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "unknown"}, {}])
def test_a_terminal_without_a_cursor_is_refused_with_a_hint(environment):
    with pytest.raises(PhotreeError) as caught:
        prepare(environment, interactive=True)
    assert "vt220" in caught.value.hint


def test_without_a_terminal_there_are_no_menus():
    with pytest.raises(PhotreeError) as caught:
        prepare({"TERM": "xterm"}, interactive=False)
    assert "--kickstart" in caught.value.hint


def test_a_line_that_does_not_tell_its_size_is_a_vt220():
    master, line = pty.openpty()
    try:
        assert termios.tcgetwinsize(line) == (0, 0)
        assert size_of(line) == (80, 24)
        termios.tcsetwinsize(line, (40, 132))
        assert size_of(line) == (132, 40)
    finally:
        os.close(master)
        os.close(line)


@given(st.text())
def test_every_text_becomes_ascii_of_the_same_length(text):
    assert ascii_only(text).isascii()
    assert len(ascii_only(text)) == len(text)
