"""Numbers of a text file in reading order, with faults that name file, line and expectation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...models.formulation import FloatArray, IntArray


@dataclass
class NumberFile:
    """
    A cursor over the numbers of a file; line breaks carry no meaning in these formats.

    Parameters
    ----------
    path
        The file, for messages.
    text
        Its content, to find the line of a fault.
    values
        Every number of the file, shape (numbers,).
    position
        Index of the number that is taken next.
    skipped
        Words of ``text`` before the first number.
    """

    path: Path
    text: str
    values: FloatArray
    position: int = 0
    skipped: int = 0

    def take(
        self, count: int, expected: str, *, low: float = -np.inf, high: float = np.inf
    ) -> FloatArray:
        """
        Take the next ``count`` numbers.

        Parameters
        ----------
        count
            How many.
        expected
            What they are, for messages.
        low, high
            Bounds that each of them must keep.

        Raises
        ------
        ValueError
            If the file ends before, or a number is outside the bounds.
        """
        found = self.values[self.position : self.position + count]
        if found.size < count:
            raise self.fault(
                self.values.size, f"expected {count} {expected}, the file ends after {found.size}"
            )
        outside = np.flatnonzero(~((found >= low) & (found <= high)))
        if outside.size:
            first = int(outside[0])
            bounds = f"{expected} from {low:g} to {high:g}"
            raise self.fault(self.position + first, f"expected {bounds}, got {found[first]:g}")
        self.position += count
        return found

    def take_integers(
        self, count: int, expected: str, *, low: float = -np.inf, high: float = np.inf
    ) -> IntArray:
        """Take the next ``count`` numbers, all of them whole; see :meth:`take`."""
        start = self.position
        found = self.take(count, expected, low=low, high=high)
        broken = np.flatnonzero(found != np.rint(found))
        if broken.size:
            first = int(broken[0])
            raise self.fault(
                start + first, f"expected {expected}, whole numbers, got {found[first]:g}"
            )
        return found.astype(np.int64)

    def take_sizes(self, *expected: str, low: int = 1, high: float = np.inf) -> list[int]:
        """Take one whole number from ``low`` to ``high`` for each of the descriptions."""
        return [int(self.take_integers(1, each, low=low, high=high)[0]) for each in expected]

    def finish(self) -> None:
        """
        Check that nothing is left.

        Raises
        ------
        ValueError
            If the file goes on.
        """
        left = self.values.size - self.position
        if left:
            raise self.fault(self.position, f"expected the end of the file, got {left} numbers")

    def fault(self, index: int, problem: str) -> ValueError:
        """Return the error of the number at ``index``, with file and line."""
        line = line_of(self.text, self.skipped + index)
        return ValueError(f"{self.path.name}, line {line}: {problem}.")


def read_numbers(path: Path | str, *, words: Mapping[str, float] | None = None) -> NumberFile:
    """
    Read a file that holds numbers only.

    Parameters
    ----------
    path
        The file.
    words
        Number to put in place of each word that the file may hold.

    Raises
    ------
    ValueError
        If the file holds anything but finite numbers and these words.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    tokens = text.split()
    if words:
        tokens = [str(words[token]) if token in words else token for token in tokens]
    return NumberFile(path, text, parse_numbers(tokens, path=path, text=text))


def parse_numbers(tokens: list[str], *, path: Path, text: str, skipped: int = 0) -> FloatArray:
    """
    Turn tokens into finite numbers.

    Parameters
    ----------
    tokens
        The tokens.
    path, text
        Where they come from, for messages.
    skipped
        Tokens of ``text`` before the first of ``tokens``.

    Raises
    ------
    ValueError
        If a token is not a finite number.
    """
    try:
        values = np.array(tokens, dtype=np.float64)
        broken = np.flatnonzero(~np.isfinite(values))
    except ValueError:
        broken = np.flatnonzero([not _is_number(token) for token in tokens])
    if broken.size:
        first = int(broken[0])
        line = line_of(text, skipped + first)
        raise ValueError(f'{path.name}, line {line}: expected a number, got "{tokens[first]}".')
    return values


def _is_number(token: str) -> bool:
    try:
        return bool(np.isfinite(np.float64(token)))
    except ValueError:
        return False


def line_of(text: str, index: int) -> int:
    """Line, from 1, of the token at ``index``; the last line where there is none."""
    lines = text.splitlines() or [""]
    ends = np.cumsum([len(line.split()) for line in lines])
    return min(int(np.searchsorted(ends, index, side="right")), len(lines) - 1) + 1
