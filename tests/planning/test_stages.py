"""The stages: what they refuse, relax, resume and keep when they are stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from shequ.instances import travel
from shequ.instances.catalogue import builtin_catalogue
from shequ.instances.city import City, read_city
from shequ.instances.policy import Policy
from shequ.instances.walking import walking_times
from shequ.optimize.limits import Deadline, Stop
from shequ.optimize.planning.audit import audit_city, blind_spots
from shequ.optimize.planning.plan import ServicesAsked
from shequ.optimize.planning.shortfall import InfeasibleError
from shequ.optimize.planning.split import split_city
from shequ.optimize.planning.stages import make_plan
from shequ.optimize.progress import Progress
from shequ.optimize.result import Status


@pytest.fixture(scope="module")
def city(city_file: Path) -> City:
    """Return the synthetic city as read."""
    return read_city(city_file, Policy())


def test_audit_counts_what_the_layers_hold(city: City) -> None:
    """Sums over the communities are those of the units and sites."""
    policy = Policy()
    snapshot = audit_city(city, policy, walking_times(city, policy))
    table = snapshot.communities
    assert table["residents"].sum() == city.num_residents
    existing = city.sites["status"] == "existing"
    area = city.sites.loc[existing, "floor_area_m2"].sum()
    assert table["floor_area_m2"].sum() == pytest.approx(area)
    blind = blind_spots(city, snapshot)
    assert blind["residents"].sum() == table["residents_out_of_reach"].sum()
    over = table["residents"] > policy.split.mandatory_residents
    assert (table.loc[over, "tier"] == "mandatory").all()
    assert snapshot.figures(policy)["workers_needed"] >= 18 * city.num_residents / 10_000


def test_splits_keep_every_rule(city: City) -> None:
    """Districts are balanced, below the caps, as few as possible, and estates stay whole."""
    policy = Policy()
    plan = make_plan(city, policy, stages=("split",))
    assert plan.splits
    estates = city.units["estate_id"]
    for split in plan.splits:
        assert split.result.status is Status.OPTIMAL
        solution = split.result.solution
        assert solution is not None
        residents = city.units["residents"].to_numpy()[split.members]
        totals = np.bincount(solution, residents)
        mean = totals.mean()
        assert (np.abs(totals - mean) <= policy.split.tolerance * mean + 1).all()
        assert totals.max() < policy.split.gradual_residents
        least = int(np.ceil(split.residents / (policy.split.gradual_residents - 1)))
        assert split.districts >= max(2, least)
        together = estates.iloc[split.members]
        for estate in together.dropna().unique():
            assert np.unique(solution[(together == estate).to_numpy()]).size == 1


def test_services_search_each_group_once(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit and the layout of the services share the walks of adults."""
    searched: list[str] = []
    search = travel.walking_times

    def counted(*arguments: object, group: str, **options: object) -> object:
        searched.append(group)
        return search(*arguments, group=group, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(travel, "walking_times", counted)
    ids = ("comprehensive_station", "health_station", "elderly_daycare")
    policy = Policy().with_values({"services.seconds": 5.0, "services.gap": 0.2})
    plan = make_plan(
        city, policy, stages=("site",), services=ServicesAsked(builtin_catalogue(), ids)
    )
    assert searched == ["adult", "elderly"]
    assert (plan.times.minutes != search(city, policy).minutes).nnz == 0


def test_one_district_keeps_id_and_name(city: City) -> None:
    """Of each split one district keeps the old id; the others get provisional ones."""
    plan = make_plan(city, Policy(), stages=("split",))
    table = plan.after.communities
    assert table["community_id"].is_unique
    for split in plan.splits:
        parts = table[table["parent_id"] == split.community_id]
        assert (parts["community_id"] == split.community_id).sum() == 1
        assert parts["provisional"].sum() == split.districts - 1
        assert (parts["change_type"] == "split").all()


def test_the_mandatory_tier_alone_splits_fewer(city: City) -> None:
    """With the tier "mandatory" only communities above 20,000 residents are split."""
    policy = Policy().with_values({"split.tier": "mandatory"})
    plan = make_plan(city, policy, stages=("split",))
    assert {split.tier for split in plan.splits} == {"mandatory"}
    assert len(plan.splits) < len(make_plan(city, Policy(), stages=("split",)).splits)


def test_impossible_balance_is_refused_with_place_and_remedy(city: City) -> None:
    """Strict: the message names the community, the rule and what would mend it."""
    policy = Policy().with_values({"split.tolerance": 0.0, "split.max_extra_districts": 0})
    with pytest.raises(InfeasibleError, match=r"split .*Raise split.tolerance") as refused:
        make_plan(city, policy, stages=("split",), relax=False)
    names = {shortfall.place_id for shortfall in refused.value.shortfalls}
    assert names <= set(city.communities["community_id"])


def test_relaxed_balance_is_listed(city: City) -> None:
    """Relaxed: a tolerance that is too small is widened, and each place is listed."""
    policy = Policy().with_values(
        {
            "split.tolerance": 0.0005,
            "split.max_extra_districts": 0,
            "split.seconds_per_community": 5,
        }
    )
    plan = make_plan(city, policy, stages=("split",), relax=True)
    wider = {s.community_id for s in plan.splits if s.tolerance > 0.0005}
    whole = {s.community_id for s in plan.splits if s.result.solution is None}
    listed = {shortfall.place_id for shortfall in plan.shortfalls}
    assert listed == wider | whole


def test_too_little_floor_area_is_refused_or_listed(city: City) -> None:
    """A target that no sites can meet names each community and how much is missing."""
    policy = Policy().with_values({"siting.floor_area_m2_per_100_households": 1500})
    with pytest.raises(InfeasibleError, match=r"floor_area .* m2\. Candidate sites in it with"):
        make_plan(city, policy, stages=("site",), relax=False)
    plan = make_plan(city, policy, stages=("site",), relax=True)
    assert plan.shortfalls
    for shortfall in plan.shortfalls:
        assert shortfall.rule == "floor_area"
        assert shortfall.short == pytest.approx(shortfall.target - shortfall.value)


def test_units_out_of_reach_are_named(city: City) -> None:
    """A reach that is too short names the units, with the way to the nearest site."""
    policy = Policy().with_values({"siting.reach_minutes": 3.0})
    with pytest.raises(InfeasibleError, match=r"unit .*: reach .* minutes"):
        make_plan(city, policy, stages=("site",), relax=False)


def test_a_budget_is_kept_and_serves_more_with_more_money(city: City) -> None:
    """Twice the budget serves at least as many, and neither is exceeded."""
    served = []
    for budget in (1500.0, 3000.0):
        plan = make_plan(city, Policy(), stages=("site",), budget=budget)
        assert plan.siting is not None
        assert plan.siting.served is not None
        assert plan.siting.problem.cost(plan.siting.siting) <= budget + 1e-6
        assert plan.siting.cost is None
        served.append(plan.siting.served.objective)
    assert served[0] < served[1]


def test_a_budget_that_is_too_small_names_the_one_that_suffices(city: City) -> None:
    """With a budget each shortfall says what meets it: that much money, or more sites."""
    policy = Policy()
    plan = make_plan(city, policy, stages=("site",), budget=1000.0)
    assert plan.siting is not None
    assert plan.siting.lowest is not None
    lowest = plan.siting.lowest.objective
    assert lowest is not None
    assert plan.shortfalls
    attainable = plan.siting.problem.attainable()
    most = dict(zip(attainable.community_ids, attainable.target_m2, strict=True))
    for shortfall in plan.shortfalls:
        if shortfall.rule == "floor_area":
            enough = most[shortfall.place_id] >= (shortfall.target or 0) - 0.01
            assert shortfall.remedy_key == ("larger_budget" if enough else "more_area")
    said = [s.remedy for s in plan.shortfalls if s.remedy_key == "larger_budget"]
    assert said
    assert all(f"{lowest:,.1f}" in sentence for sentence in said)
    richer = make_plan(city, policy, stages=("site",), budget=lowest * 1.001)
    assert all(s.remedy_key != "larger_budget" for s in richer.shortfalls)


def test_straight_lines_are_labelled(city: City) -> None:
    """Without the network the walking times say that they are straight lines."""
    policy = Policy().with_values({"walking.mode": "straight_line"})
    times = walking_times(city, policy)
    assert "straight line" in times.source


def test_a_stopped_run_keeps_its_best_plan(city: City) -> None:
    """A request to stop during the splits still ends with a plan that says so."""
    stop = Stop()

    def heard(progress: Progress) -> None:
        if progress.stage == "split" and progress.objective is not None:
            stop.request()

    plan = make_plan(city, Policy(), stop=stop, listen=heard)
    assert plan.interrupted
    assert plan.siting is not None
    assert plan.siting.problem.violations(plan.siting.siting) == []


def test_a_stopped_run_resumes(city: City, tmp_path: Path) -> None:
    """Finished splits are taken from the file of the earlier run, and give the same plan."""
    file = tmp_path / "resume.json"
    first = make_plan(city, Policy(), stages=("split",), resume=file)
    assert file.is_file()
    solved: list[str] = []

    def heard(progress: Progress) -> None:
        if progress.stage == "split" and not progress.text:
            solved.append(progress.item)

    again = make_plan(city, Policy(), stages=("split",), resume=file, listen=heard)
    assert solved == []
    assert np.array_equal(first.after.unit_community, again.after.unit_community)
    other = Policy().with_values({"split.tolerance": 0.08})
    make_plan(city, other, stages=("split",), resume=file, listen=heard)
    assert solved


def test_same_seed_same_plan(city: City) -> None:
    """Two runs with one seed give the same districts and the same stations."""
    plans = [make_plan(city, Policy()) for _ in range(2)]
    assert np.array_equal(plans[0].after.unit_community, plans[1].after.unit_community)
    assert np.array_equal(plans[0].after.is_open, plans[1].after.is_open)


def test_parts_of_a_group_that_do_not_touch_stay_together_each(city_file: Path) -> None:
    """A group in two places is kept whole by its parts, and districts stay connected."""
    city = read_city(city_file, Policy())
    split = make_plan(city, Policy(), stages=("split",)).splits[0]
    solution = split.result.solution
    assert solution is not None
    apart = split.members[[int(np.argmin(solution)), int(np.argmax(solution))]]
    units = city.units.copy()
    units["block"] = None
    units.loc[apart, "block"] = "B1"
    policy = Policy().with_values({"split.keep_together": ["estate_id", "block"]})
    again = make_plan(replace(city, units=units), policy, stages=("split",))
    assert again.shortfalls == ()
    for row in np.unique(again.after.unit_community):
        members = np.flatnonzero(again.after.unit_community == row)
        shape = shapely.union_all(np.asarray(units.geometry, dtype=object)[members])
        if again.after.communities["change_type"].iloc[row] == "split":
            assert shape.geom_type == "Polygon"


def test_what_time_did_not_allow_is_not_called_impossible(city: City) -> None:
    """Without time nothing is split, and the remedy is time, not smaller units."""
    policy = Policy().with_values({"split.seconds_per_community": 1e-6})
    plan = make_plan(city, policy, stages=("split",))
    assert {shortfall.remedy_key for shortfall in plan.shortfalls} == {"not_in_time"}
    assert all(split.result.status is Status.UNKNOWN for split in plan.splits)


def test_a_passed_deadline_ends_all_splits(city: City) -> None:
    """With a time limit that has passed no further choice is tried."""
    tried: list[str] = []

    def heard(progress: Progress) -> None:
        if progress.stage == "split" and progress.objective is not None and not progress.text:
            tried.append(progress.item)

    audit = audit_city(city, Policy(), walking_times(city, Policy()))
    splits, missing = split_city(
        city, Policy(), audit, relax=True, deadline=Deadline.after(0), listen=heard
    )
    assert tried == []
    assert len(missing) == len(splits) > 0


def test_money_that_serves_nobody_is_not_spent(city: City) -> None:
    """With more than enough money everybody is served, at no more than the least cost of that."""
    plan = make_plan(city, Policy(), stages=("site",), budget=1e6)
    assert plan.siting is not None
    assert plan.siting.served is not None
    assert plan.siting.lowest is not None
    assert plan.siting.lowest.objective is not None
    everybody = float(city.units["residents"].sum())
    assert plan.siting.served.objective == pytest.approx(everybody)
    spent = plan.siting.problem.cost(plan.siting.siting)
    assert spent <= plan.siting.lowest.objective * 1.0001
