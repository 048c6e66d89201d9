"""The names of services: one spelling for those of the sites and those of the policy."""

from __future__ import annotations

import re

_SEPARATORS = re.compile("[;；,，、]")  # noqa: RUF001 - as Chinese tables write them


def service_ids(text: str) -> tuple[str, ...]:
    """
    Return the services that a text lists, each once, without capitals and needless blanks.

    Parameters
    ----------
    text
        Services with semicolons or commas between, of either width.

    Examples
    --------
    >>> service_ids("Library; day  care,library")
    ('library', 'day care')
    """
    names = (" ".join(part.split()).casefold() for part in _SEPARATORS.split(text))
    return tuple(dict.fromkeys(name for name in names if name))
