"""What a second Ctrl-C does."""

from __future__ import annotations

import os
import sys

from .options import NO_PLAN


def leave() -> None:
    """End at once, at a second Ctrl-C; files appear whole or not at all."""
    show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
    sys.stderr.write(f"{show_cursor}\nshequ: interrupted twice; no plan was written\n")
    sys.stderr.flush()
    os._exit(NO_PLAN)
