"""Files that are whole or not there: written beside their target, then moved into place."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """
    Give a temporary name beside ``path``; move the file into place if all went well.

    Parameters
    ----------
    path
        Where the file goes. Its folder is made if it is not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(text, encoding=encoding)


@contextlib.contextmanager
def replacing_all(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """
    Give an empty folder to write files into; move them all into place if all went well.

    The files move in one step that Ctrl-C does not part, in the order of ``names``. If one of
    them cannot be moved, those that it was to replace are put back.

    Parameters
    ----------
    folder
        Where the files go; made if it is not there. The draft lies in it, hence on its disk.
    names
        The files, each of which must have been written.

    Raises
    ------
    ValueError
        If the folder, or a file in it, cannot be written.
    """
    try:
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        blocked = [folder / name for name in names if (folder / name).is_dir()]
        if blocked:
            raise ValueError(f"{blocked[0]} is a folder. Remove it, or name another folder.")
        draft = Path(tempfile.mkdtemp(prefix=".shequ-", dir=folder))
    except OSError as error:
        raise ValueError(f"{folder} cannot be written ({error}). Name another folder.") from error
    try:
        yield draft
        with interrupts_deferred():
            _move_all(draft, folder, names)
        made = []
    except OSError as error:
        raise ValueError(f"{folder} cannot be written ({error}).") from error
    finally:
        with interrupts_deferred():
            shutil.rmtree(draft, ignore_errors=True)
            for path in made:
                with contextlib.suppress(OSError):
                    path.rmdir()


def _move_all(draft: Path, folder: Path, names: Sequence[str]) -> None:
    """Move files out of the draft; put back what they replaced if one cannot be moved."""
    replaced = draft / "replaced"
    replaced.mkdir()
    moved: list[str] = []
    try:
        for name in names:
            if (folder / name).exists():
                (folder / name).replace(replaced / name)
            moved.append(name)
            (draft / name).replace(folder / name)
    except OSError:
        for name in moved:
            (folder / name).unlink(missing_ok=True)
            if (replaced / name).exists():
                (replaced / name).replace(folder / name)
        raise


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Hold Ctrl-C back until the block is over; only the main thread can, and need, do so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda signum, frame: held.append(signum))  # noqa: ARG005
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            signal.raise_signal(held[0])
