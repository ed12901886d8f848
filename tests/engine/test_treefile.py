import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import PlanError
from engine.packages.model import PackageRequest
from engine.treefile import Treefile, load_treefile, unsupported_keys
from engine.treefile_keys import canonical_key, parse_condition, split_packages
from engine.validation import RuleError

PHOTON = Path(__file__).parent.parent / "photon" / "photon-minimal.json"


def write(folder: Path, name: str = "tree.json", /, **keys: Any) -> Path:
    path = folder / name
    values = {key.replace("__", "-"): value for key, value in keys.items()}
    text = yaml.safe_dump(values) if name.endswith("yaml") else json.dumps(values, indent=1)
    path.write_text(text)
    return path


def load(folder: Path, text: str | None = None, /, **keys: Any) -> Treefile:
    if text is None:
        return load_treefile(write(folder, **keys), "x86_64")
    (folder / "tree.yaml").write_text(text)
    return load_treefile(folder / "tree.yaml", "x86_64")


def problems(folder: Path, text: str | None = None, /, **keys: Any) -> list[str]:
    with pytest.raises(PlanError) as caught:
        load(folder, text, **keys)
    return [str(problem) for problem in caught.value.problems]


def names(treefile: Treefile) -> list[str]:
    return [request.name for request in treefile.requests]


def test_photons_own_treefile_parses_as_it_is() -> None:
    treefile = load_treefile(PHOTON, "x86_64")
    assert treefile.ref == "photon/5.0/x86_64/minimal"
    assert treefile.automatic_version_prefix == "5.0_minimal"
    assert treefile.tmp_is_dir is True
    assert "open-vm-tools" in names(treefile)
    assert names(treefile).count("filesystem") == 1, "it is in two lists"
    assert treefile.variables_for_repositories()["releasever"] == "5.0"
    everything = {str(field.alias) for field in Treefile.model_fields.values()}
    assert unsupported_keys(treefile, everything) == ()


def test_both_spellings_of_a_key_mean_the_same_and_only_one_may_be_there(tmp_path: Path) -> None:
    text = 'default_target: a\ntmp-is-dir: true\npackages_x86_64: [p]\nbootstrap-packages: ["q"]\n'
    treefile = load(tmp_path, text)
    assert (treefile.default_target, treefile.tmp_is_dir) == ("a", True)
    assert names(treefile) == ["p", "q"]
    assert problems(tmp_path, "default_target: a\ndefault-target: b\n") == [
        'tree.yaml:1:1: "default_target" and "default-target" are the same key'
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("bash", ("bash",)),
        ("  bash\tvim \n less ", ("bash", "vim", "less")),
        ("'podman >= 4.1'", ("podman >= 4.1",)),
        ("a 'b >= 2' c", ("a", "b >= 2", "c")),
        ("(a or b)", ("(a or b)",)),
    ],
)
def test_an_entry_may_name_several_packages(entry: str, expected: tuple[str, ...]) -> None:
    assert split_packages(entry) == expected


@pytest.mark.parametrize("entry", ["'a", "a'b", "''", "' '"])
def test_quotes_in_an_entry_must_pair_and_hold_something(entry: str) -> None:
    with pytest.raises(RuleError):
        split_packages(entry)


@given(st.lists(st.text("abc-.+0", min_size=1), min_size=1))
def test_splitting_inverts_joining(words: list[str]) -> None:
    assert split_packages(" ".join(words)) == tuple(words)
    assert split_packages(" ".join(f"'{word} >= 1'" for word in words)) == tuple(
        f"{word} >= 1" for word in words
    )


@given(st.text("abc_-", min_size=1))
def test_the_canonical_spelling_is_stable(key: str) -> None:
    assert canonical_key(canonical_key(key)) == canonical_key(key)
    assert canonical_key(f"packages_{key}") == canonical_key(f"packages-{key}")


def test_packages_of_other_architectures_are_not_asked_for(tmp_path: Path) -> None:
    treefile = load(tmp_path, packages=["b"], packages__x86_64=["a"], **{"packages-aarch64": ["c"]})
    assert names(treefile) == ["a", "b"]


def test_requests_know_their_places_and_repositories(tmp_path: Path) -> None:
    text = "repos: [r]\npackages:\n- b a\nrepo-packages:\n- repo: r\n  packages: [c, a]\n"
    assert load(tmp_path, text).requests == (
        PackageRequest("a", "tree.yaml:6:17", "r"),
        PackageRequest("b", "tree.yaml:3:3", ""),
        PackageRequest("c", "tree.yaml:6:14", "r"),
    )


def test_every_mistake_of_every_file_is_reported_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", packges=["x"], recommends="perhaps")
    text = (
        "include: base.yaml\nref: [x]\nreleasever: [5]\npackages: bash\ntmp-is-dirr: true\n"
        "boot-location: old\npackages-x8664: [a]\nadd-files: [[a]]\nunits: [1]\n"
        "automatic-version-suffix: '--'\nremove-from-packages: [[a]]\n"
    )
    found = problems(tmp_path, text)
    assert [line.split(": ", 1)[0] for line in found] == [
        *(f"tree.yaml:{place}" for place in ("2:6", "3:13", "4:11", "5:1", "6:16", "7:1")),
        *(f"tree.yaml:{place}" for place in ("8:13", "9:9", "10:27", "11:24")),
        "base.yaml:1:1",
        "base.yaml:3:13",
    ]
    joined = "\n".join(found)
    assert 'unknown key "tmp-is-dirr" (did you mean "tmp-is-dir"?)' in joined
    assert 'unknown key "packages-x8664" (did you mean "packages-x86_64"?)' in joined
    assert 'unknown key "packges" (did you mean "packages"?)' in joined
    assert "releasever: must be text or a whole number, not a list" in joined


@pytest.mark.parametrize("written", ["5.0", "5.1"])
def test_a_release_version_that_lost_its_quotes_is_refused(tmp_path: Path, written: str) -> None:
    """5.0 is the number 5 to many a parser, and 5.10 is 5.1."""
    assert problems(tmp_path, f"releasever: {written}\n") == [
        "tree.yaml:1:13: releasever: must be text or a whole number, "
        f'not {written} (put it in quotes: "{written}")'
    ]
    assert load(tmp_path, releasever=5).releasever == 5


def test_a_file_that_cannot_be_read_is_a_problem_at_its_include(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"ref: \xe9")
    write(tmp_path, "broken.json", ref="x")
    (tmp_path / "broken.json").write_text("{")
    found = problems(tmp_path, include=["none.json", "latin.yaml", "broken.json"])
    assert found[0] == (
        f"tree.json:3:3: {tmp_path}/none.json cannot be read: No such file or directory"
    )
    assert found[1] == f"tree.json:4:3: {tmp_path}/latin.yaml is not UTF-8 text"
    assert found[2].startswith("broken.json:1:2: not valid JSON")


def test_lists_append_and_scalars_of_the_including_file_win(tmp_path: Path) -> None:
    write(tmp_path, "one.json", units=["1"], default__target="one", selinux=False, rpmdb="host")
    write(tmp_path, "two.yaml", units=["2"], default__target="two", selinux=True, ima=False)
    treefile = load(tmp_path, include=["one.json", "two.yaml"], units=["0"], default__target="top")
    assert treefile.units == ("2", "1", "0"), "as rpm-ostree: later includes come before"
    assert treefile.default_target == "top"
    assert treefile.selinux is False, "of two includes the first wins"
    assert (treefile.rpmdb, treefile.ima) == ("host", False)


def test_maps_are_merged_key_by_key(tmp_path: Path) -> None:
    write(tmp_path, "base.json", add__commit__metadata={"a": 1, "b": 1}, repovars={"x": "1"})
    treefile = load(tmp_path, include="base.json", add__commit__metadata={"b": 2})
    assert treefile.add_commit_metadata == {"a": 1, "b": 2}
    assert treefile.variables_for_repositories()["x"] == "1"


def test_includes_are_relative_to_the_file_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "common").mkdir()
    write(tmp_path / "common", "a.json", include="b.json", packages=["a"])
    write(tmp_path / "common", "b.json", packages=["b"])
    assert names(load(tmp_path, include="common/a.json", packages=["top"])) == ["a", "b", "top"]


def test_a_loop_of_includes_is_shown_as_a_chain(tmp_path: Path) -> None:
    write(tmp_path, "a.json", include="b.json")
    write(tmp_path, "b.json", include="a.json")
    assert problems(tmp_path, include="a.json") == [
        "b.json:2:13: the treefiles include each other: tree.json -> a.json -> b.json -> a.json"
    ]


def test_a_file_is_included_only_once(tmp_path: Path) -> None:
    write(tmp_path, "a.json", packages=["a"])
    assert problems(tmp_path, include=["a.json", "./a.json"]) == [
        "tree.json:4:3: a.json is included twice, first by tree.json:3:3 (keep one of the two)"
    ]


def test_files_for_one_architecture_are_included_there_only(tmp_path: Path) -> None:
    write(tmp_path, "x.json", packages=["x"])
    keys = {"arch__include": {"x86_64": "x.json", "aarch64": ["none.json"]}}
    assert names(load(tmp_path, packages=["p"], **keys)) == ["p", "x"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("devel == true", True),
        ("devel != true", False),
        ('stream == "stable"', True),
        ("stream != 'stable'", False),
        ("major >= 5", True),
        ("major < 5", False),
        ('basearch == "x86_64"', True),
        ('releasever == "5.0"', True),
        (["devel == true", "major > 5"], False),
        (["devel == true", "major > 4"], True),
    ],
)
def test_an_include_may_depend_on_variables(
    tmp_path: Path, condition: str | list[str], holds: bool
) -> None:
    write(tmp_path, "more.json", packages=["more"])
    treefile = load(
        tmp_path,
        packages=["p"],
        releasever="5.0",
        variables={"devel": True, "stream": "stable", "major": 5},
        conditional__include=[{"if": condition, "include": "more.json"}],
    )
    assert ("more" in names(treefile)) is holds


@pytest.mark.parametrize("text", ["", "a", "a = 1", "a == b", 'a < "x"', "a > true", "1 == 1"])
def test_a_condition_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        parse_condition(text)


def test_a_condition_on_an_unknown_variable_or_another_type_is_a_problem(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        variables={"major": 5},
        conditional__include=[
            {"if": "minor == 1", "include": "x"},
            {"if": 'major == "5"', "include": "x"},
        ],
    )
    assert found == [
        'tree.json:7:10: the variable "minor" is not defined',
        "tree.json:11:10: major is a number, not text",
    ]


def test_variables_are_substituted_where_rpm_ostree_does_it(tmp_path: Path) -> None:
    treefile = load(
        tmp_path,
        releasever="5.0",
        ref="photon/${releasever}/${basearch}/$stream",
        variables={"stream": "x", "flag": True},
        automatic__version__prefix="$releasever-${flag}",
        add__commit__metadata={"a": "${stream}", "b": 1},
        postprocess=["echo ${HOME} $stream"],
    )
    assert treefile.ref == "photon/5.0/x86_64/x"
    assert treefile.automatic_version_prefix == "5.0-true"
    assert treefile.add_commit_metadata == {"a": "x", "b": 1}
    assert treefile.postprocess == ("echo ${HOME} $stream",)
    assert problems(tmp_path, ref="x/${strem}", variables={"stream": "x"}) == [
        'tree.json:2:2: the variable "strem" is not defined (did you mean "stream"?)'
    ]
    assert problems(tmp_path, variables={"basearch": "x"}) == [
        'tree.json:3:3: the variable "basearch" is set by other means'
    ]


def test_a_package_asked_for_and_excluded_is_a_contradiction(tmp_path: Path) -> None:
    assert problems(tmp_path, packages=["a", "b"], exclude__packages=["b"]) == [
        "tree.json:4:3: b is asked for and excluded (see tree.json:7:3)"
    ]


def test_files_beside_the_treefile_are_found_and_must_exist(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "script").touch()
    write(tmp_path / "sub", "base.json", postprocess__script="script")
    assert load(tmp_path, include="sub/base.json").source("script") == tmp_path / "sub/script"
    assert problems(
        tmp_path,
        postprocess__script="none",
        add__files=[["gone", "/usr/x"]],
        check__passwd={"type": "file", "filename": "passwd"},
        check__groups={"type": "file"},
    ) == [
        f"tree.json:2:24: there is no file {tmp_path}/none",
        f"tree.json:4:3: there is no file {tmp_path}/gone",
        f"tree.json:11:15: there is no file {tmp_path}/passwd",
        'tree.json:13:18: check-groups: the key "filename" is missing',
    ]


def test_edition_2024_changes_defaults_but_not_what_is_written(tmp_path: Path) -> None:
    new = load(tmp_path, edition=2024, tmp__is__dir=False)
    assert (new.boot_location, new.tmp_is_dir) == ("modules", False)
    old = load(tmp_path, edition=2014)
    assert (old.boot_location, old.tmp_is_dir) == ("new", False)


def test_keys_that_nobody_acts_on_are_listed_with_their_places(tmp_path: Path) -> None:
    treefile = load(
        tmp_path, ref="r", packages=["a"], ima=True, container=False, units=["u"], comment="c"
    )
    assert [str(problem) for problem in unsupported_keys(treefile, {"ref", "units"})] == [
        'tree.json:6:2: the key "ima" is not supported yet'
    ]


def test_the_json_form_depends_on_the_content_only(tmp_path: Path) -> None:
    one = load(tmp_path, "ref: r\npackages: [b, a]\ntmp_is_dir: true\n").to_json()
    other = load(tmp_path, "tmp-is-dir: true\npackages: [b, a]\nref: r\n").to_json()
    assert one == other
    assert json.loads(one) == {"ref": "r", "packages": ["b", "a"], "tmp-is-dir": True}
    assert str(tmp_path) not in one


LISTS = st.lists(st.text("abc", min_size=1, max_size=3), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(LISTS, min_size=1, max_size=4))
def test_no_package_is_lost_or_doubled_in_a_chain_of_includes(
    tmp_path: Path, chain: list[list[str]]
) -> None:
    for number, packages in enumerate(chain):
        more = {"include": f"{number + 1}.json"} if number + 1 < len(chain) else {}
        write(tmp_path, f"{number}.json", packages=packages, units=packages, **more)
    treefile = load_treefile(tmp_path / "0.json", "x86_64")
    assert names(treefile) == sorted({name for packages in chain for name in packages})
    assert list(treefile.units) == [name for packages in reversed(chain) for name in packages]
