"""Check the tree out as the machine's first deployment."""

from __future__ import annotations

from installer.context import Context, Volume
from installer.steps.step import Step
from installer.storage.filesystems import mount_options, mount_points


class DeployTree(Step):
    """Sets target.tree and target.files."""

    id = "deploy-tree"
    title = "Deploy the tree"
    weight = 15

    def do(self, ctx: Context) -> None:
        arguments = [
            *root_arguments(ctx.target.volume("root")),
            *ctx.plan.host.kernel_arguments,
        ]
        tree = ctx.doors.trees.deploy(ctx.sysroot, ctx.plan.source, ctx.target.commit, arguments)
        ctx.target.tree = tree
        ctx.target.files = ctx.doors.open_files(tree)


def root_arguments(root: Volume) -> list[str]:
    """The kernel arguments that find and mount the root file system.

    Mounted writable at once; ostree-prepare-root makes /sysroot and /usr read-only by itself.
    """
    (point,) = (point for point in mount_points(root.partition) if point.path == "/")
    options = mount_options(root.partition, point.subvolume)
    return [f"root=UUID={root.uuid}", "rw", *([f"rootflags={options}"] if options else [])]
