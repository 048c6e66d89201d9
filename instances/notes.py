"""What is told of an input or a plan: a kind with its values, put into words where it is shown."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")
DEFAULT_CURRENCY = "10,000 yuan"
"""The policy's unit of money where nobody set another."""
_SHOWN = 3


@dataclass(frozen=True)
class Note:
    """
    One thing that readers are told.

    Parameters
    ----------
    kind
        What it is: a key of ``notes.toml``, which has words for it in every language.
    values
        Fill the placeholders of the words: text, numbers, notes, texts by language, or a sequence
        of these.

    Examples
    --------
    >>> told = Note("row", {"row": 7})
    >>> str(told), told.told("zh")
    ('row 7', '第 7 行')
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def told(self, lang: str = "en") -> str:
        """Return it in words of a language."""
        return fill(words()[lang][self.kind], self.values, lang)

    def __str__(self) -> str:
        """Return it in English."""
        return self.told()

    def as_record(self) -> dict[str, Any]:
        """Return kind and values as they are written, and the English words."""
        values = {name: _plain(value) for name, value in self.values.items()}
        return {"kind": self.kind, "values": values, "text": str(self)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Note:
        """Read back what was written."""
        return cls(str(record["kind"]), record["values"])


def note(kind: str, /, **values: object) -> Note:
    """Return a note with its values by name."""
    return Note(kind, values)


def all_of(notes: Sequence[Note]) -> Note:
    """Return several notes as one."""
    return notes[0] if len(notes) == 1 else note("all_of", notes=list(notes))


def named(prefix: str, name: object) -> Note | str:
    """Return the note ``prefix_name`` of what something is called; the name where there is none."""
    kind = f"{prefix}_{name}"
    return Note(kind) if kind in words()[LANGUAGES[0]] else str(name)


def money(amount: float, currency: str) -> Note:
    """Return an amount of money; the policy's unit where nobody set another has words."""
    unit = note("currency_default") if currency == DEFAULT_CURRENCY else currency
    return note("money", amount=amount, currency=unit)


def some(rows: Sequence[object], *, most: int = _SHOWN) -> tuple[object, ...]:
    """
    Return the first few of many, and a note of how many more there are.

    Examples
    --------
    >>> in_language(some(["a", "b", "c"], most=2), "en")
    'a; b; … and 1 more'
    """
    more = [note("more", count=len(rows) - most)] if len(rows) > most else []
    return (*rows[:most], *more)


def in_language(value: object, lang: str) -> object:
    """
    Return a value as it is filled in: notes and texts in words of a language, sequences joined.

    Parameters
    ----------
    value
        A note, or its record; a text by language; a sequence; anything else stays as it is.
    lang
        The language.
    """
    if isinstance(value, Note):
        return value.told(lang)
    if isinstance(value, Mapping):
        if "kind" in value:
            return Note.from_record(value).told(lang)
        return str(value[lang])
    if isinstance(value, list | tuple):
        return words()[lang]["between"].join(str(in_language(one, lang)) for one in value)
    return value


def fill(template: str, values: Mapping[str, object], lang: str) -> str:
    """
    Return a text with its placeholders filled in.

    A placeholder may say how a number is written, as in Python, or give words for one and for
    many, with # for the number: ``{count:# unit|# units}``.

    Examples
    --------
    >>> fill("{count:# unit|# units}", {"count": 1200}, "en")
    '1,200 units'
    """
    return _FORMATTER.vformat(
        template, (), {name: in_language(value, lang) for name, value in values.items()}
    )


@cache
def words() -> dict[str, dict[str, str]]:
    """Return the words of every kind of note, by language; all languages have the same kinds."""
    path = Path(__file__).with_name("notes.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


class _Formatter(string.Formatter):
    """Formats numbers as Python does, and chooses between words for one and for many."""

    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 - as its base
        one, divider, many = format_spec.partition("|")
        if not divider:
            return str(super().format_field(value, format_spec))
        return (one if value == 1 else many).replace("#", f"{value:,}")


_FORMATTER = _Formatter()


def _plain(value: Any) -> Any:  # noqa: ANN401 - values of notes
    """Return a value as JSON holds it."""
    if isinstance(value, Note):
        return value.as_record()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value
