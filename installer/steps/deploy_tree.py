"""Check the tree out as the machine's first deployment."""

from __future__ import annotations

from collections.abc import Sequence

from installer.context import Context, Volume
from installer.steps.step import Step
from installer.storage.filesystems import mount_options, mount_points

# What cannot start restarts instead of waiting for somebody, so that GRUB can count the boots of a
# new deployment and go back (docs/health.md; kernel-parameters.txt, dracut.cmdline(7)).
UNATTENDED = ("panic=30", "rd.shell=0", "rd.emergency=reboot")


class DeployTree(Step):
    """Sets target.tree and target.files."""

    id = "deploy-tree"
    title = "Deploy the tree"
    weight = 15

    def do(self, ctx: Context) -> None:
        arguments = kernel_arguments(ctx.target.volume("root"), ctx.plan.host.kernel_arguments)
        tree = ctx.doors.trees.deploy(ctx.sysroot, ctx.plan.source, ctx.target.commit, arguments)
        ctx.target.tree = tree
        ctx.target.files = ctx.doors.open_files(tree)


def kernel_arguments(root: Volume, given: Sequence[str]) -> list[str]:
    """All arguments of the first deployment. given: the user's; they win over UNATTENDED by key."""
    keys = {argument.partition("=")[0] for argument in given}
    unattended = [each for each in UNATTENDED if each.partition("=")[0] not in keys]
    return [*root_arguments(root), *unattended, *given]


def root_arguments(root: Volume) -> list[str]:
    """The kernel arguments that find and mount the root file system.

    Mounted writable at once; ostree-prepare-root makes /sysroot and /usr read-only by itself.
    """
    (point,) = (point for point in mount_points(root.partition) if point.path == "/")
    options = mount_options(root.partition, point.subvolume)
    lvm = root.partition.lvm
    return [
        f"root=UUID={root.uuid}",
        *([f"rd.lvm.lv={lvm.group}/{lvm.name}"] if lvm else []),  # dracut activates it
        "rw",
        *([f"rootflags={options}"] if options else []),
    ]
