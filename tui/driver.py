"""Textual's driver for terminals that only do what a VT220 does."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver

from tui.terminal import size_of

_LOOKALIKES = {
    **dict.fromkeys("─━╌┄┈═▁▔▀▄╴╶\u2013\u2014", "-"),
    **dict.fromkeys("│┃╎┆┊║▌▐▏▕▎▍", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝┏┓┗┛╋", "+"),
    **dict.fromkeys("█▓▒▊▉▋▂▃▅▆▇", "#"),
    **dict.fromkeys("•●", "*"),
    **dict.fromkeys("░…·", "."),
    **dict.fromkeys("▶▸►→", ">"),
    **dict.fromkeys("◀←", "<"),
    **dict.fromkeys("▼↓", "v"),
    **dict.fromkeys("▲↑", "^"),
    **dict.fromkeys("\u2018\u2019", "'"),
    **dict.fromkeys("“”", '"'),
    "○": "o",
    "\u00a0": " ",
}
_TABLE = str.maketrans(_LOOKALIKES)


class PlainDriver(LinuxDriver):
    """Neither asks the terminal anything nor writes characters that its font may lack."""

    def write(self, data: str) -> None:
        super().write(ascii_only(data))

    def _get_terminal_size(self) -> tuple[int, int]:
        return size_of(self.fileno)

    def _enable_mouse_support(self) -> None:
        pass

    def _disable_mouse_support(self) -> None:
        pass

    def _request_terminal_sync_mode_support(self) -> None:
        pass

    def _query_in_band_window_resize(self) -> None:
        pass


def ascii_only(text: str) -> str:
    """text with every other character replaced by one that looks like it, or by "?"."""
    if text.isascii():
        return text
    return text.translate(_TABLE).encode("ascii", "replace").decode("ascii")
