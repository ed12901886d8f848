"""Package scripts: order, arguments, what they see, what they cannot do."""

import contextlib
import shutil
from pathlib import Path

import pytest

from engine.command import SystemCommands
from engine.errors import PackageError
from engine.events import discard
from engine.package_scripts import PackageScripts
from engine.packages.importer import UnpackOptions
from engine.packages.rpmfile import RpmFile
from engine.postprocess.accounts import KnownAccounts
from engine.sandbox import Sandbox
from engine.scriptlets import pre_scriptlets, run_scriptlets
from engine.workplace import Workplace
from tests.engine.jobs.conftest import until
from tests.rpms import Entry, Package, build, libraries

LOG = "/etc/order"


def note(text: str) -> str:
    return f"echo {text} $1 >>{LOG}"


def test_all_pre_run_before_any_post_and_triggers_come_last(composer):
    scripts = {
        "%pre": note("pre-NAME"),
        "%post": note("post-NAME"),
        "%posttrans": note("posttrans-NAME"),
        "%preun": note("preun-NAME"),
        "%postun": note("postun-NAME"),
        "%transfiletriggerin -- /usr/share/one": note("trigger-NAME"),
    }

    def package(name: str) -> Package:
        return Package(
            name,
            {f"/usr/share/{name}/file": Entry(name)},
            {kind: text.replace("NAME", name) for kind, text in scripts.items()},
        )

    composer.compose(package("one"), package("two"))
    lines = composer.read(f"/usr{LOG}").split("\n")[:-1]
    kinds = [line.split("-")[0] for line in lines]
    assert kinds == ["pre"] * 2 + ["post"] * 2 + ["posttrans"] * 2 + ["trigger"] * 2
    assert {line.split()[-1] for line in lines[:6]} == {"1"}
    assert {line.split()[-1] for line in lines[6:]} == {"0"}


def test_a_package_runs_its_scripts_after_those_it_requires(composer):
    later = Package("a-later", {}, {"%post": note("later")}, header=("Requires: z-first",))
    first = Package("z-first", {}, {"%post": note("first")})
    composer.compose(later, first)
    assert composer.read(f"/usr{LOG}") == "first 1\nlater 1\n"


def test_file_triggers_get_the_matching_files_higher_priority_first(composer):
    composer.compose(
        Package("files", {"/usr/share/seen/a": Entry("a"), "/usr/share/other": Entry("o")}),
        Package("low", {}, {"%transfiletriggerin -P 1 -- /usr/share/seen": f"echo low >>{LOG}"}),
        Package(
            "high",
            {},
            {"%transfiletriggerin -P 9 -- /usr/share/seen": f"echo high >>{LOG}; cat >>{LOG}"},
        ),
    )
    assert composer.read(f"/usr{LOG}") == "high\n/usr/share/seen/a\nlow\n"


def test_an_interpreter_without_a_body_is_run_as_it_is(composer):
    program = Entry("#!/bin/sh\necho ran $# >/etc/ran\n", 0o755)
    composer.compose(
        Package("tool", {"/usr/bin/tool": program}, {"%post -p /usr/bin/tool": ""}),
    )
    assert composer.read("/usr/etc/ran") == "ran 0\n"


def test_triggers_on_other_packages_are_refused_by_name(composer):
    with pytest.raises(PackageError, match=r"%triggerin of trig-1\.0-1\.ph5\.x86_64"):
        composer.compose(Package("trig", {}, {"%triggerin -- shell": "true"}))


def test_lua_without_an_interpreter_in_the_tree_is_refused_by_name(composer):
    with pytest.raises(PackageError, match=r"%post of moon-1\.0-1\.ph5\.x86_64 needs rpm's Lua"):
        composer.compose(Package("moon", {}, {"%post -p <lua>": "print(1)"}))


def test_lua_runs_in_the_trees_own_interpreter_with_rpms_arguments(composer):
    program = Path(shutil.which("rpmlua") or "/usr/bin/rpmlua")
    files = {"/usr/bin/rpmlua": Entry(program.read_bytes(), 0o755)}
    for settings in ("/usr/lib/rpm/rpmrc", "/usr/lib/rpm/macros"):
        files[settings] = Entry(Path(settings).read_bytes())
    for path in libraries([program]):
        inside = str(path) if str(path).startswith("/usr/") else f"/usr{path}"
        files[inside] = Entry(path.read_bytes(), 0o755)
    lua = "f = io.open('/etc/lua', 'a'); f:write(#arg, ' ', arg[2], '\\n')\n"
    trigger = lua + "f:write(rpm.next_file(), '\\n')"
    composer.compose(
        Package("rpm", files),
        Package(
            "moon",
            {"/usr/share/moon": Entry("m")},
            {"%post -p <lua>": lua, "%transfiletriggerin -p <lua> -- /usr/share/moon": trigger},
        ),
    )
    assert composer.read("/usr/etc/lua") == "2 1\n2 0\n/usr/share/moon\n"


def test_scripts_see_the_tree_and_not_the_machine(composer):
    script = (
        "[ ! -e /work ] && [ ! -e /usr/bin/python3 ] && [ -d /var/lib ] && [ -L /bin ]\n"
        "[ \"$(id)\" = 'uid=0(root) gid=0(root) groups=0(root)' ] || exit 3\n"
        "cat /proc/net/dev >/etc/interfaces"
    )
    composer.compose(Package("look", {}, {"%post": script}))
    lines = composer.read("/usr/etc/interfaces").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in lines] == ["lo"]


def test_what_a_script_leaves_running_does_not_outlive_it(composer):
    composer.compose(Package("daemon", {}, {"%post": "sleep 1000 &"}))
    assert b"sleep\x001000\x00" not in running()


def running() -> list[bytes]:
    """The command lines of the processes there are."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            found.append(path.read_bytes())
    return found


@pytest.mark.parametrize("ignoring", ["", "trap '' TERM; "])
def test_a_script_that_does_not_end_is_ended_and_named_with_its_output(composer, builds, ignoring):
    composer.compose()
    place = Workplace(composer.cache)
    place.make()
    sandbox = Sandbox(place.tree(), place.mount_point, place.var, SystemCommands(), 0)
    quick = Package("quick", {}, {"%post": "echo done"})
    hangs = Package("hangs", {}, {"%post": f"{ignoring}echo asking; echo waiting >&2; sleep 1234"})
    packages = [RpmFile.open(build(each, builds)) for each in (quick, hangs)]
    scripts = PackageScripts(packages, (), place, sandbox, composer.events.append, limit=1.0)
    with pytest.raises(PackageError) as caught:
        scripts.run(str, KnownAccounts(), UnpackOptions())
    message = "%post of hangs-1.0-1.ph5.x86_64 did not end within 1 s: waiting"
    assert caught.value.message == message
    assert caught.value.detail == "asking\nwaiting"
    assert "%post of quick-1.0-1.ph5.x86_64: done" in composer.log()
    assert "%post of hangs-1.0-1.ph5.x86_64: asking" in composer.log()
    until(lambda: b"sleep\x001234\x00" not in running())
    place.clear()


def test_a_script_that_does_not_end_and_says_nothing_is_named_too(composer, builds):
    composer.compose()
    place = Workplace(composer.cache)
    place.make()
    sandbox = Sandbox(place.tree(), place.mount_point, place.var, SystemCommands(), 0)
    package = RpmFile.open(build(Package("mute", {}, {"%pre": "sleep 1234"}), builds))
    with pytest.raises(PackageError, match=r"%pre of mute\S+ did not end .*, and wrote nothing"):
        run_scriptlets(pre_scriptlets([package]), sandbox, place.shared("pre"), discard, limit=0.2)
    place.clear()


def test_the_output_of_scripts_is_reported_with_their_package(composer):
    composer.compose(Package("loud", {}, {"%post": "echo heard; echo felt >&2"}))
    assert "%post of loud-1.0-1.ph5.x86_64: heard" in composer.log()
    assert "%post of loud-1.0-1.ph5.x86_64: felt" in composer.log()
