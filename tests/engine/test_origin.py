"""Origin files as rpm-ostree writes and reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import OstreeError
from engine.origin import Origin

REFSPEC = "photon:photon/5.0/x86_64/minimal"
names = st.text("abcdefghijklmnop.-+_0123456789", min_size=1, max_size=20)
packages = st.lists(names, max_size=5, unique=True)
values = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
    .map(str.strip)
    .filter(bool)
)


def test_a_pure_tree_has_a_refspec_and_nothing_else() -> None:
    assert str(Origin.for_refspec(REFSPEC)) == f"[origin]\nrefspec={REFSPEC}\n"


def test_layering_turns_the_refspec_into_a_base_and_back() -> None:
    pure = Origin.for_refspec(REFSPEC)
    layered = pure.with_packages(["vim", "tmux"])
    assert layered.refspec == REFSPEC
    assert "\nbaserefspec=" in str(layered)
    assert "\nrefspec=" not in str(layered)
    assert "requested=vim;tmux;" in str(layered)
    assert layered.with_packages([]) == pure


@given(packages, packages, packages)
def test_any_local_change_makes_it_assembled_and_undoing_all_makes_it_pure(
    layered: list[str], removed: list[str], local: list[str]
) -> None:
    pure = Origin.for_refspec(REFSPEC)
    changed = pure.with_packages(layered).with_removals(removed).with_local_packages(local)
    assert changed.assembled == bool(layered or removed or local)
    assert changed.requested_packages == tuple(layered)
    assert changed.removals == tuple(removed)
    assert changed.requested_local_packages == tuple(local)
    assert changed.with_packages([]).with_removals([]).with_local_packages([]) == pure


@given(st.dictionaries(names, values, max_size=4), packages)
def test_unknown_keys_survive_every_change(unknown: dict[str, str], layered: list[str]) -> None:
    lines = "".join(f"{key}={value}\n" for key, value in unknown.items())
    text = f"[origin]\nrefspec={REFSPEC}\n\n[from-the-future]\nmarker=1\n{lines}"
    changed = Origin(text).with_packages(layered).with_override_commit("ab" * 32).carried_over()
    kept = str(changed).partition("[from-the-future]\n")[2].splitlines()
    for key, value in unknown.items():
        assert f"{key}={value}" in kept


@given(packages)
def test_what_is_written_is_read_again(layered: list[str]) -> None:
    origin = Origin.for_refspec(REFSPEC, "not registered").with_packages(layered)
    again = Origin(str(origin))
    assert again == origin
    assert again.requested_packages == tuple(layered)
    assert again.unconfigured_state == "not registered"
    assert Origin.from_native(origin.native) == origin


def test_a_pin_is_not_carried_over() -> None:
    pinned = Origin(f"[origin]\nrefspec={REFSPEC}\n\n[libostree-transient]\npinned=true\n")
    assert pinned.pinned
    assert pinned.carried_over() == Origin.for_refspec(REFSPEC)


def test_rebasing_drops_what_belonged_to_the_former_ref() -> None:
    former = Origin.for_refspec(REFSPEC).with_override_commit("ab" * 32).with_packages(["vim"])
    rebased = former.with_refspec("other:photon/6.0/x86_64/minimal")
    assert rebased.refspec == "other:photon/6.0/x86_64/minimal"
    assert rebased.override_commit is None
    assert rebased.requested_packages == ("vim",)
    assert "baserefspec=other:" in str(rebased)


def test_a_regenerated_initramfs_counts_as_a_local_change() -> None:
    assert Origin("[rpmostree]\nregenerate-initramfs=true\n").assembled


def test_two_sources_are_refused_with_the_place() -> None:
    text = f"[origin]\nrefspec={REFSPEC}\nbaserefspec={REFSPEC}\n"
    with pytest.raises(OstreeError, match=r"x\.origin: it has refspec and baserefspec"):
        Origin(text, "x.origin")


def test_garbage_is_refused_with_the_place() -> None:
    with pytest.raises(OstreeError, match=r"Could not read x\.origin: .*not a key-value pair"):
        Origin("garbage", "x.origin")


def test_a_malformed_refspec_is_refused() -> None:
    with pytest.raises(OstreeError, match="use the refspec"):
        Origin.for_refspec("a b:c")
