"""No sequence of keys starts an installation without the review's confirmation."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.widgets import Input

from tests.tui.wizard.pilot import screen_text, until
from tests.tui.wizard.wizards import SIZE, session_of, wizard
from tui.wizard.confirm import Confirmation
from tui.wizard.review import ReviewPage

WORD = "vda"
SETTINGS = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_NAMES = ("enter", "space", "f10", "f1", "f2", "f5", "escape", "tab", "shift+tab", "down", "up")
KEYS = st.sampled_from([*_NAMES, "backspace", "end", *"12345ksynradqv"])


def confirms(screen, key):
    """Whether this key is the confirmation: the word was typed, and is given by Enter."""
    if not isinstance(screen, Confirmation) or key != "enter":
        return False
    word = screen.query_one("#word", Input)
    return screen.focused is word and word.value.strip() == WORD


async def press_all(session, keys):
    """Returns whether the confirmation was given. Fails when an installation began before."""
    app = wizard(session)
    started = session.inquiries.installations.started
    confirmed = False
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(app.screen, ReviewPage))
        await until(pilot, lambda: "WILL BE DESTROYED" in screen_text(pilot))
        for key in keys:
            confirmed = confirmed or confirms(app.screen, key)
            await pilot.press(key)
            await pilot.pause()
            assert confirmed or not started, f"started by {key}"
            if not app.is_running:
                break
    assert confirmed or not started
    return confirmed


@settings(SETTINGS, max_examples=15)
@given(st.lists(KEYS, max_size=20))
def test_no_keys_start_an_installation_unconfirmed(tmp_path, keys):
    """From where it is nearest: everything is answered, and the review is shown."""
    asyncio.run(press_all(session_of(tmp_path), keys))


@settings(SETTINGS, max_examples=10)
@given(st.lists(KEYS, max_size=8), st.text("vda s", max_size=4))
def test_only_the_word_confirms(tmp_path, keys, word):
    letters = [{" ": "space"}.get(letter, letter) for letter in word]
    asyncio.run(press_all(session_of(tmp_path), ["f10", *letters, "enter", *keys]))


def test_the_word_does(tmp_path):
    """So that the tests above can fail."""
    session = session_of(tmp_path)
    assert asyncio.run(press_all(session, ["f10", *WORD, "enter"]))
    assert len(session.inquiries.installations.started) == 1
