"""What is wrong with an input, gathered first and told once, on one screen."""

from __future__ import annotations

import difflib
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .notes import Note, note, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LINES_OF_A_SCREEN = 24
_WIDTH = 100
_QUOTED = 3
_LONGEST_VALUE = 40
_ALIKE = 0.75


class CityError(ValueError):
    """City input that cannot be used: every fault of it, on one screen."""


@dataclass
class Findings:
    """Faults, warnings and repairs of one input, in the order in which they were found."""

    faults: list[str] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    repairs: list[Note] = field(default_factory=list)

    def fault(self, place: str, problem: str, remedy: str, *, rows: Sequence[object] = ()) -> None:
        """
        Note something that makes the input unusable.

        Parameters
        ----------
        place
            Layer, or layer and column with a dot between.
        problem, remedy
            What is wrong, and a sentence on what to do.
        rows
            The rows and values concerned, in words or as notes.
        """
        self.faults.append(f"{place}: {problem}{_bracketed(rows)}. {remedy}")

    def warn(self, place: str, kind: str, *, rows: Sequence[object] = (), **values: object) -> None:
        """Note something that a reader of the results should know, by the kind of note."""
        self.warnings.append(_at(place, kind, rows, values))

    def repaired(
        self, place: str, kind: str, *, rows: Sequence[object] = (), **values: object
    ) -> None:
        """Note something that was mended, by the kind of note."""
        self.repairs.append(_at(place, kind, rows, values))

    def raise_faults(self, name: str) -> None:
        """Raise all faults at once, if there are any."""
        if self.faults:
            raise CityError(_screen(name, self.faults))


def in_row(row: object, value: object) -> Note:
    """
    Return one row and its value.

    Examples
    --------
    >>> str(in_row(7, -5))
    'row 7: -5'
    """
    return note("row_value", row=row, value=shorten(value))


def shorten(value: object) -> str:
    """Return a value as text that leaves room for others on the line."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def quote(rows: Sequence[str], *, most: int = _QUOTED) -> str:
    """
    Return the first few of many, and how many more there are.

    Examples
    --------
    >>> quote(["a", "b", "c", "d", "e"])
    'a; b; c; … and 2 more'
    """
    more = [f"… and {len(rows) - most:,} more"] if len(rows) > most else []
    return "; ".join([*rows[:most], *more])


def counted(number: int, noun: str, plural: str = "") -> str:
    """
    Return a number of things.

    Examples
    --------
    >>> counted(1, "gap"), counted(1200, "gap"), counted(2, "city", "cities")
    ('1 gap', '1,200 gaps', '2 cities')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """
    Return the known name nearest to ``name``, None if none is near; case does not matter.

    Examples
    --------
    >>> nearest("residents", ["Resident", "geom"])
    'Resident'
    """
    by_folded = {str(candidate).casefold(): str(candidate) for candidate in known}
    near = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=_ALIKE)
    return by_folded[near[0]] if near else None


def _bracketed(rows: Sequence[object]) -> str:
    return f" ({quote([str(row) for row in rows])})" if rows else ""


def _at(place: str, kind: str, rows: Sequence[object], values: Mapping[str, object]) -> Note:
    """Return a note of a place; the first few rows are named, and the others counted."""
    quoted = {"rows": some(rows)} if rows else {}
    return Note(kind, {"place": place, **quoted, **values})


def _screen(name: str, faults: Sequence[str]) -> str:
    """Return the faults wrapped to a screen; those beyond it are only counted."""
    lines = [f"{name} cannot be used: {counted(len(faults), 'fault')}."]
    for done, text in enumerate(faults):
        wrapped = textwrap.wrap(
            text, _WIDTH, initial_indent="  - ", subsequent_indent="    ", break_long_words=False
        )
        room = _LINES_OF_A_SCREEN - len(lines) - (done < len(faults) - 1)
        if len(wrapped) > room:
            return "\n".join(
                [*lines, f"  … and {len(faults) - done} more faults; mend these first."]
            )
        lines += wrapped
    return "\n".join(lines)
