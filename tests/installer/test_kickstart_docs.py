"""The schema, the samples and the documentation say what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.document import read_document
from installer.kickstart.load import parse_kickstart
from installer.kickstart.plan import read_plan
from installer.kickstart.reading import Facts
from installer.kickstart.refused import REFUSED
from installer.kickstart.schema import Kickstart, schema_text, write_schema
from installer.plan import Profile, Secret
from tests.installer.kickstarts import CUSTOM, PROJECT, document, make_repository, problems

SAMPLES = sorted(path for path in (PROJECT / "kickstarts").iterdir() if path.suffix in (
    ".yaml", ".json"))  # fmt: skip
GUIDE = (PROJECT / "docs" / "kickstart.md").read_text()
SCHEMA = json.loads(schema_text())


def errors(values: Any) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(values)]


def test_the_committed_schema_is_the_models(tmp_path):
    write_schema(tmp_path / "schema.json")
    made = (tmp_path / "schema.json").read_text()
    assert (PROJECT / "docs" / "kickstart.schema.json").read_text() == made, (
        "write it again: python -c 'from pathlib import Path; "
        "from installer.kickstart.schema import write_schema; "
        'write_schema(Path("docs/kickstart.schema.json"))\''
    )
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_right(path: Path, tmp_path):
    found = read_document(path.read_text(), path.name)
    assert errors(found.data) == []
    make_repository(tmp_path / "repo", "photon/5.0/x86_64/minimal")
    facts = Facts("x86_64", media=tmp_path, folder=path.parent, elsewhere=True)
    outcome = read_plan(parse_kickstart(path.read_text(), path.name), facts, lambda _: Secret("h"))
    assert outcome.problems == ()
    assert outcome.plan is not None or outcome.deferred
    assert "clear text" not in "".join(map(str, outcome.warnings))


def test_every_sample_is_listed_for_readers():
    guide = (PROJECT / "kickstarts" / "README.md").read_text()
    assert [path.name for path in SAMPLES if f"`{path.name}`" not in guide] == []


def test_the_demo_is_a_default_host_on_an_image_with_a_serial_console(tmp_path):
    make_repository(tmp_path / "repo", "photon/5.0/x86_64/minimal")
    text = (PROJECT / "kickstarts" / "demo.yaml").read_text()
    facts = Facts("x86_64", media=tmp_path, variables={})
    plan = read_plan(parse_kickstart(text, "demo"), facts, lambda _: Secret("h")).plan
    assert plan is not None
    assert plan.profile is Profile.DEFAULT_HOST
    assert plan.storage.disks[0].image == Path("disk.img")
    assert "console=ttyS0,115200" in plan.host.kernel_arguments


@pytest.mark.parametrize(
    "keys",
    [
        {"hostnam": "a"},
        {"packages": ["vim"]},
        {"disk": 5},
        {"bootmode": "uefi"},
        {"partitions": [{"mountpoint": "/", "size": -1}]},
        {"partitions": [{"mountpoint": "/", "sizepercent": 101}]},
        {"partitions": [{"mountpoint": "/", "size": 0, "filesystem": "zfs"}]},
        {"password": {"crypted": True}},
        {"password": {"text": "x", "age": -2}},
        {"users": [{"groups": []}]},
        {"services": {"sshd": "on"}},
        {"network": {"ethernets": {"a": {"dhcp4": 5}}}},
        {"network": {"vlans": {"a": {"id": 5000, "link": "b"}}}},
        {"ostree": {**CUSTOM, "profile": "hosts"}},
        {"postinstallscripts": [{"name": "a"}]},
        {"updates": "daily"},
        {"kargs": "quiet"},
    ],
)
def test_the_schema_and_the_model_refuse_the_same(keys):
    assert errors(document(keys).data)
    assert problems(keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"partitions": [{"mountpoint": "/", "size": "$SIZE"}]},
        {"live": "${LIVE}"},
        {"$schema": "kickstart.schema.json"},
        {"network": {"type": "vlan", "vlan_id": "5"}},
        {"network": {"version": 2, "ethernets": {"a": {"dhcp4": "yes"}}}},
    ],
)
def test_the_schema_and_the_model_accept_the_same(keys):
    assert errors(document(keys).data) == []
    assert problems(keys, variables={"SIZE": "0", "LIVE": "true"}) == []


EXAMPLES = re.findall(r"^```(?:yaml|json)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", [text for text in EXAMPLES if not text.startswith("#")])
def test_examples_in_the_guide_work(text):
    """Each is a part of a kickstart: what it lacks is added at its end."""
    given = read_document(text, "example").data
    needed = {"ostree": CUSTOM, "disk": "/dev/sda"}
    if "disks" in given:
        del needed["disk"]
    whole = {**{key: value for key, value in needed.items() if key not in given}, **given}
    assert errors(whole) == []
    facts = Facts("x86_64", elsewhere=True)
    outcome = read_plan(parse_kickstart(json.dumps(whole), "k"), facts, lambda _: Secret("h"))
    assert outcome.problems == ()


def test_there_are_examples_in_the_guide():
    assert len(EXAMPLES) > 7


def keys_of(schema: dict[str, Any]) -> set[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}


def test_every_key_is_in_the_guide():
    assert {key for key in keys_of(SCHEMA) if f"`{key}`" not in GUIDE} == set()


def test_every_refused_key_is_in_the_guide():
    """Those that differ by their ending only are one entry there."""
    names = {path[0] if path[0] == "security" else path[-1] for path in REFUSED}
    stems = {re.sub(r"(_x86_64|_aarch64|scripts|(?<=_file)s)$", "", name) for name in names}
    assert {stem for stem in stems if f"`{stem}" not in GUIDE} == set()


def test_the_model_has_no_key_that_is_refused():
    assert {path[0] for path in REFUSED if len(path) == 1} & set(Kickstart.model_fields) == set()
