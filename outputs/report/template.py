"""Pages of a template: texts in every language, own style and script, nothing from a network."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from ...instances.notes import LANGUAGES
from .texts import Text, Texts, both, is_missing, load_texts, number, percent

REPORT = Path(__file__).parent


class _Compiled(BytecodeCache):
    """Templates as they were compiled, for the next page of this process."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is kept; Jinja compiles anew where the source is another by now."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()
_UNSAFE_IN_SCRIPT = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def check_language(lang: str) -> None:
    """
    Refuse a language that the texts do not hold.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang = {lang!r} is not known; choose one of {', '.join(LANGUAGES)}.")


def texts_of(folder: Path) -> Texts:
    """Return the texts of the report, and over them those of ``texts.toml`` in a folder."""
    own = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
    report = load_texts().by_lang
    return Texts({lang: {**report[lang], **own[lang]} for lang in LANGUAGES})


def template_environment(folder: Path, texts: Texts, *, lang: str | None = None) -> Environment:
    """
    Return an environment for the templates of a folder, which may build on those of the report.

    Templates show a text by ``t(key)``, by ``named(prefix, name)`` what something is called, and a
    note of a record by ``told(record)``.

    Parameters
    ----------
    folder
        Where the templates are.
    texts
        The texts that they show.
    lang
        The one language of the page; without it, the page holds every text in all of them.
    """

    def shown(text: Text) -> str:
        return both(text) if lang is None else text[lang]

    environment = Environment(
        loader=FileSystemLoader([folder, REPORT]),
        autoescape=True,
        bytecode_cache=_COMPILED,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"both": both, "number": number, "percent": percent}
    environment.tests["missing"] = is_missing
    environment.globals["t"] = lambda key, **values: shown(texts(key, **values))
    environment.globals["told"] = lambda record: shown(texts.told(record))
    environment.globals["named"] = lambda prefix, name: shown(texts.named(prefix, name))
    return environment


def own_files(*paths: Path) -> Markup:
    """Return files of this package as they are, one after the other."""
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    return Markup(text)  # noqa: S704 (not from the input)


def report_files(*names: str) -> Markup:
    """Return files of the report as they are, for a page that builds on it."""
    return own_files(*(REPORT / name for name in names))


def json_in_script(value: object) -> Markup:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_UNSAFE_IN_SCRIPT))  # noqa: S704 (no mark of HTML is left in it)


def script_texts(texts: Texts) -> dict[str, dict[str, str]]:
    """Return the texts that the script of a page shows."""
    return {
        lang: {key: words for key, words in own.items() if key.startswith("js_")}
        for lang, own in texts.by_lang.items()
    }
