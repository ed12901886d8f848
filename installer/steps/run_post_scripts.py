"""Run the plan's scripts inside the new machine."""

from __future__ import annotations

from engine.errors import CommandError
from engine.events import Progress
from installer.context import Context
from installer.plan import Script
from installer.steps.scripts import script_text
from installer.steps.step import Step
from installer.storage.inside import SHARED, inside


class RunPostScripts(Step):
    """With the machine's own /etc, /var and /boot, its tree read-only, and the network."""

    id = "run-post-scripts"
    title = "Run the post-install scripts"
    weight = 10

    def do(self, ctx: Context) -> None:
        scripts = ctx.plan.scripts.post
        for index, script in enumerate(scripts):
            ctx.emit(Progress(self.id, index, len(scripts), "scripts", note=script.name))
            _run(ctx, script)


def _run(ctx: Context, script: Script) -> None:
    """Raises CommandError with the script's name; its output is the detail."""
    folder = ctx.workspace / "script"
    run = ctx.doors.commands.run
    run(["mkdir", "--parents", str(folder)])
    run(["install", "--mode=0700", "/dev/stdin", str(folder / "script")], input=script_text(script))
    try:
        inside(ctx, [f"{SHARED}/script"], shared=folder, env=dict(ctx.plan.host.environment))
    except CommandError as error:
        raise CommandError(
            f"The post-install script {script.name!r} failed: {error.message}",
            hint="Correct the script; its whole output is in the log.",
            detail=error.detail,
        ) from error
