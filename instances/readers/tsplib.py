"""
Instances of TSPLIB, as points of p-median and p-center problems.

G. Reinelt (1991), "TSPLIB - a traveling salesman problem library", ORSA Journal on Computing 3(4).
The p-median tables round Euclidean distances down, the p-center tables to the nearest number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...models.formulation import FloatArray
from ...models.siting.distances import Rounding
from ...models.siting.p_center import PCenter
from ...models.siting.p_median import PMedian
from .distances import euclidean_distances
from .numbers import NumberFile, line_of, parse_numbers

_SECTION = re.compile(r"^[ \t]*([A-Z_]+_SECTION|EOF)[ \t]*:?[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True)
class SectionFile:
    """
    A file of ``KEY : value`` lines, then sections of numbers.

    Parameters
    ----------
    path
        The file, for messages.
    text
        Its content.
    """

    path: Path
    text: str

    def dimension(self) -> int:
        """Return the number of points that the key DIMENSION gives."""
        found = re.search(r"^[ \t]*DIMENSION[ \t]*:[ \t]*(\d+)[ \t]*\r?$", self.text, re.MULTILINE)
        if not found or int(found[1]) < 1:
            raise ValueError(f"{self.path.name}, line 1: expected a line `DIMENSION : n`, n >= 1.")
        return int(found[1])

    def value(self, key: str) -> str:
        """Text of the first line ``key : value``; empty where there is none."""
        found = re.search(rf"^[ \t]*{key}[ \t]*:(.*)$", self.text, re.MULTILINE)
        return found[1].strip() if found else ""

    def section(self, name: str) -> NumberFile:
        """
        Return the numbers of a section.

        Raises
        ------
        ValueError
            If there is no such section, or it holds anything but numbers.
        """
        heads = list(_SECTION.finditer(self.text))
        for head, after in zip(heads, [*heads[1:], None], strict=True):
            if head[1] == name:
                body = self.text[head.end() : after.start() if after else None]
                skipped = len(self.text[: head.end()].split())
                values = parse_numbers(
                    body.split(), path=self.path, text=self.text, skipped=skipped
                )
                return NumberFile(self.path, self.text, values, skipped=skipped)
        last = line_of(self.text, len(self.text.split()))
        raise ValueError(f"{self.path.name}, line {last}: expected a section {name}.")


def read_sections(path: Path | str) -> SectionFile:
    """Read a file of sections."""
    path = Path(path)
    return SectionFile(path, path.read_text(encoding="utf-8", errors="replace"))


def read_points(path: Path | str) -> FloatArray:
    """
    Read the coordinates of a file with a NODE_COORD_SECTION.

    Returns
    -------
    FloatArray
        Shape (points, 2), in the order of the node numbers; as written, also where the file calls
        them geographical: the siting tables take them as plane coordinates.

    Raises
    ------
    ValueError
        If the section is missing or does not hold DIMENSION rows ``i x y``.
    """
    source = read_sections(path)
    num_points = source.dimension()
    file = source.section("NODE_COORD_SECTION")
    table = file.take(3 * num_points, "numbers of points `i x y`").reshape(-1, 3)
    file.finish()
    number = np.sort(table[:, 0])
    wrong = np.flatnonzero(number != np.arange(1, num_points + 1))
    if wrong.size:
        expected = f"expected each node from 1 to {num_points} once"
        raise file.fault(3 * int(wrong[0]), f"{expected}, node {wrong[0] + 1} is not")
    return np.asarray(table[np.argsort(table[:, 0]), 1:])


def read_p_median(path: Path | str, *, p: int, rounding: Rounding = "floor") -> PMedian:
    """
    Read points as a p-median problem in which every point is client and site and weighs 1.

    Parameters
    ----------
    path
        A file with a NODE_COORD_SECTION.
    p
        Number of sites to open.
    rounding
        How Euclidean distances are rounded: "floor", "nearest" or None.

    Raises
    ------
    ValueError
        See :func:`read_points`.
    """
    distances = euclidean_distances(read_points(path), rounding=rounding)
    return PMedian(distances, np.ones(len(distances)), p)


def read_p_center(path: Path | str, *, p: int, rounding: Rounding = "nearest") -> PCenter:
    """Read points as a p-center problem; see :func:`read_p_median`."""
    return PCenter(euclidean_distances(read_points(path), rounding=rounding), p)
