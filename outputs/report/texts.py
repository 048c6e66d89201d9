"""The words of the report in every language, from ``texts.toml``, and those of notes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ...instances.notes import LANGUAGES, fill, words

MISSING = "\u2013"
_MINUS = "\u2212"
_MOST_DIGITS = 4
_NOISE = 1e-6
"""Per cent by which all of something may be missed in computing it."""

Text = Mapping[str, str]
"""One text in every language, by language code."""


@dataclass(frozen=True)
class Texts:
    """Every text by language and key."""

    by_lang: Mapping[str, Mapping[str, str]]

    def __call__(self, key: str, /, **values: object) -> Text:
        """
        Return the text of ``key`` in every language.

        Parameters
        ----------
        key
            Name in ``texts.toml``, or a kind of note.
        values
            Fill its placeholders; one that is itself a text is taken in the same language.
        """
        return {lang: fill(texts[key], values, lang) for lang, texts in self.by_lang.items()}

    def told(self, record: Mapping[str, Any] | str) -> Text:
        """Return a note of a record in every language; a sentence of an older one as it is."""
        if isinstance(record, str):
            return dict.fromkeys(self.by_lang, record)
        return self(record["kind"], **record["values"])

    def named(self, prefix: str, name: object) -> Text:
        """Return the text of ``prefix_name``, or the name itself where it has none."""
        key = f"{prefix}_{name}"
        known = key in self.by_lang[LANGUAGES[0]]
        return self(key) if known else dict.fromkeys(self.by_lang, str(name))


def load_texts() -> Texts:
    """Read the texts that come with the package."""
    path = Path(__file__).with_name("texts.toml")
    own = tomllib.loads(path.read_text(encoding="utf-8"))
    return Texts({lang: {**words()[lang], **own[lang]} for lang in LANGUAGES})


def both(text: object) -> Markup:
    """Return HTML that holds a text in every language, of which the style sheet shows one."""
    if not isinstance(text, Mapping):
        return Markup("{}").format(text)
    if len(set(text.values())) == 1:
        return Markup("{}").format(next(iter(text.values())))
    return Markup().join(
        Markup('<span class="t-{0}" lang="{0}">{1}</span>').format(lang, words)
        for lang, words in text.items()
    )


def is_missing(value: Any) -> bool:  # noqa: ANN401 (as a table holds it)
    """Whether a value of a table is absent: None, not a number or NA."""
    return bool(pd.isna(value))


def number(value: Any, digits: int = 0) -> str:  # noqa: ANN401 (as above)
    """Return a figure with thousands separators; a dash if it is missing."""
    return MISSING if is_missing(value) else f"{float(value):,.{digits}f}".replace("-", _MINUS)


def percent(value: Any, digits: int = 1) -> str:  # noqa: ANN401 (as above)
    """Return a share as per cent; a dash if it is missing."""
    if is_missing(value):
        return MISSING
    share = 100 * float(value)
    share = 100.0 if abs(share - 100) < _NOISE else share
    while share < 100 and digits < _MOST_DIGITS and float(f"{share:.{digits}f}") >= 100:
        digits += 1  # what falls short of all must not read as all
    return f"{share:,.{digits}f} %".replace("-", _MINUS)
