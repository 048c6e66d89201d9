"""The stages of the whole plan of a city: audit, split, site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...instances.city import City
from ...instances.policy import Policy, render_policy
from ...instances.service_places import Places
from ...instances.site_units import site_units
from ...instances.travel import CityWalks
from ...instances.walking import WalkingTimes
from ...models.siting.station import Siting
from ..limits import Deadline, Stop
from ..progress import Listener, Progress, silent
from .audit import audit_city
from .checkpoint import Checkpoint
from .clock import Clock
from .communities_named import new_communities
from .community import CommunitySplit
from .plan import Plan, ServicesAsked, plan_of
from .shortfall import Shortfall
from .site import CitySiting, site_city, siting_problem
from .site_shortfalls import more_sites, shortfalls
from .snapshot import Snapshot, communities_of_sites
from .split import split_city

if TYPE_CHECKING:
    from .services import CityServices

STAGES = ("split", "site")

SPLITTING = 0.6
"""Share of the time limit that the splits may take."""


def make_plan(
    city: City,
    policy: Policy,
    *,
    stages: tuple[str, ...] = STAGES,
    budget: float | None = None,
    relax: bool = True,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
    resume: Path | None = None,
    services: ServicesAsked | None = None,
) -> Plan:
    """
    Make the plan of a city.

    Parameters
    ----------
    city, policy
        The city and the rules.
    stages
        "split", "site" or both.
    budget
        Money to spend; None for all rules at least cost.
    relax
        Meet what can be met and list the rest; otherwise refuse.
    seconds
        Time limit for both stages together.
    stop, listen
        A request to stop, and who hears of progress.
    resume
        File that keeps finished splits until the caller clears it.
    services
        Services to lay out together instead of stations alone.

    Raises
    ------
    InfeasibleError
        If the rules cannot be met and ``relax`` is off.
    NoPlanError
        If nothing was found within the limits.
    """
    clock = Clock()
    deadline = None if seconds is None else Deadline.after(seconds)
    listen(Progress("walk", text="walking times"))
    given = city
    if services is not None:
        from ...instances.stationed_city import stationed_city  # noqa: PLC0415 - rarely asked for

        city, policy = stationed_city(city, policy, services.catalogue)
    walks = CityWalks(city, policy)
    times = walks.minutes()
    clock.lap("walk")
    before = audit_city(city, policy, times)
    clock.lap("audit")
    splits: list[CommunitySplit] = []
    missing: list[Shortfall] = []
    how: dict[str, Any] = {"relax": relax, "stop": stop, "listen": listen}
    if "split" in stages:
        splits, missing = _split(city, policy, before, deadline=deadline, resume=resume, **how)
        clock.lap("split")
    site_unit = site_units(city, policy)
    names, unit_community = new_communities(city, site_unit, before, splits)
    siting, laid_out = None, None
    if "site" in stages:
        places = Places(names, unit_community, communities_of_sites(site_unit, unit_community))
        left = None if deadline is None else max(1.0, deadline.seconds_left)
        if services is not None:
            ends = {"seconds": left, "stop": stop, "listen": listen}
            laid_out = lay_out(given, policy, services, walks, places, **ends)
            missing += short_of_stations(city, policy, times, laid_out)
        else:
            siting, short = _site(city, policy, times, places, budget, seconds=left, **how)
            missing += short
        clock.lap("site" if services is None else "services")
    return plan_of(
        city,
        policy,
        times,
        before,
        names=names,
        unit_community=unit_community,
        site_unit=site_unit,
        siting=siting,
        services=laid_out,
        shortfalls=tuple(missing),
        seconds=clock.seconds,
        splits=tuple(splits),
        interrupted=stop is not None and stop.requested,
        time_limit=seconds,
    )


def _split(
    city: City,
    policy: Policy,
    before: Snapshot,
    *,
    deadline: Deadline | None,
    resume: Path | None,
    **how: Any,  # noqa: ANN401 - as split_city takes them
) -> tuple[list[CommunitySplit], list[Shortfall]]:
    """Split communities in a share of the time, and go on with the splits that a file keeps."""
    half = None if deadline is None else Deadline.after(SPLITTING * deadline.seconds_left)
    checkpoint = None
    if resume is not None:
        changes = [json.dumps(change.as_record()) for change in city.edge_changes]
        changes += [json.dumps(decision.as_record()) for decision in city.decisions]
        checkpoint = Checkpoint.open(resume, city.sha256, render_policy(policy), *changes)
    return split_city(city, policy, before, deadline=half, checkpoint=checkpoint, **how)


def _site(
    city: City,
    policy: Policy,
    times: WalkingTimes,
    places: Places,
    budget: float | None,
    **how: Any,  # noqa: ANN401 - as site_city takes them
) -> tuple[CitySiting, list[Shortfall]]:
    """Open and size stations for the communities of the plan."""
    return site_city(
        city,
        policy,
        times,
        communities=places.communities,
        unit_community=places.unit_community,
        site_community=places.site_community,
        budget=budget,
        **how,
    )


def lay_out(
    city: City,
    policy: Policy,
    services: ServicesAsked,
    walks: CityWalks,
    places: Places,
    **how: Any,  # noqa: ANN401 - as site_services takes them
) -> CityServices:
    """
    Lay out the services that are asked for.

    Parameters
    ----------
    city, policy, services, walks, places
        The city as it was read, its rules, what is asked for, the minutes, and the communities.
    how
        Further arguments of :func:`.services.site_services`.
    """
    from .services import site_services  # noqa: PLC0415 - large, and rarely asked for

    return site_services(
        city, policy, services.catalogue, walks, places, services=services.ids, **how
    )


def short_of_stations(
    city: City, policy: Policy, times: WalkingTimes, services: CityServices
) -> list[Shortfall]:
    """
    List what the stations alone leave unmet.

    Parameters
    ----------
    city, policy, times, services
        The input, and the services laid out in it.
    """
    is_open, area, _ = services.site_decision()
    places = services.data.places
    names, units, sites = places.communities, places.unit_community, places.site_community
    problem = siting_problem(city, policy, times, names, units, sites)
    return list(shortfalls(city, policy, problem, Siting(is_open, area), names, more_sites))
