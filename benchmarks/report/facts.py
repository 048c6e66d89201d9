"""What was run, where and with what, as the rows tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..row import Row
from ..trials import Family, natural
from .formats import TO, counted, listed

_UNKNOWN = "not stated"


def facts(rows: Sequence[Row], families: Sequence[Family]) -> tuple[tuple[str, str], ...]:
    """Return names and values of everything that one must know to repeat the runs."""
    trials = [trial for family in families for trial in family.trials]
    repeats = sorted({len(trial.runs) for trial in trials})
    return (
        ("cases", f"{sum(len(family.cases) for family in families):,}"),
        ("families", told_once(family.name for family in families)),
        ("entrants", f"{len({trial.entrant for trial in trials}):,}"),
        ("runs", f"{sum(len(trial.runs) for trial in trials):,}"),
        ("runs a case and entrant", f"{TO.join(map(str, _ends(repeats)))}"),
        ("seeds", told_once(str(row.seed) for row in rows)),
        ("time limits", told_once(f"{row.time_limit:g} s" for row in rows if row.time_limit > 0)),
        ("memory limits", told_once(_memory(row) for row in rows if row.memory_limit_mib > 0)),
        ("threads", told_once(str(row.threads) for row in rows)),
        ("hosts", told_once(_host(row) for row in rows if row.host)),
        ("commits", told_once(row.commit for row in rows if row.commit)),
        ("Python", told_once(row.python for row in rows if row.python)),
        ("libraries", _versions(rows)),
        ("solvers", told_once(f"{row.solver} {row.solver_version}".strip() for row in rows)),
        ("started (UTC)", _period(rows)),
    )


def told_once(values: Iterable[str]) -> str:
    """Return different values in natural order."""
    return ", ".join(sorted(set(filter(None, values)), key=natural)) or _UNKNOWN


def _ends(values: Sequence[int]) -> list[int]:
    return sorted({values[0], values[-1]}) if values else [0]


def _memory(row: Row) -> str:
    return f"{row.memory_limit_mib:,g} MiB"


def _host(row: Row) -> str:
    told = [row.processor] if row.processor else []
    told += [counted(row.cores, "core")] if row.cores else []
    return f"{row.host} ({'; '.join(told)})" if told else row.host


def _versions(rows: Sequence[Row]) -> str:
    """Return every library with its version, or with all that occur."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for library, version in row.versions.items():
            found.setdefault(library, set()).add(version)
    told = [f"{name} {listed(sorted(own, key=natural))}" for name, own in sorted(found.items())]
    return ", ".join(told) or _UNKNOWN


def _period(rows: Sequence[Row]) -> str:
    started = sorted(row.started[:16].replace("T", " ") for row in rows if row.started)
    if not started:
        return _UNKNOWN
    return started[0] if started[0] == started[-1] else f"{started[0]} to {started[-1]}"
