"""HiGHS with a start must give the same optimum: version 1.16.0 does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from shequ.models.formulation import FloatArray, LinearModel, ModelBuilder
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model
from shequ.optimize.solvers.highs import require_sound_version

KNOWN = {"pmed10": 1255.0, "pmed15": 1729.0, "pmed25": 1828.0}


def test_the_broken_version_is_refused() -> None:
    """The message names the version and what to install."""
    with pytest.raises(ValueError, match=r"1\.16\.0 reports wrong optima"):
        require_sound_version("1.16.0")


def _median(seed: int, num: int = 40, p: int = 8) -> tuple[LinearModel, FloatArray]:
    """p-median in its radius formulation, and a start that opens the first p sites."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 100, (num, 2))
    distance = np.rint(np.linalg.norm(points[:, None] - points[None], axis=2))
    builder = ModelBuilder("p-median")
    y = builder.add_columns(np.zeros(num), upper=1, integer=True)
    builder.add_rows(np.zeros(num, dtype=int), y, 1, lower=[p], upper=[p])
    start = [(np.arange(num) < p).astype(float)]
    for client in range(num):
        levels = np.unique(distance[client])[: num - p + 1]
        z = builder.add_columns(np.diff(levels, append=levels[-1]), upper=1)
        inside = [np.flatnonzero(distance[client] <= level) for level in levels]
        rows = np.repeat(np.arange(levels.size), [part.size for part in inside])
        builder.add_rows(
            np.r_[np.arange(levels.size), rows],
            np.r_[z, y[np.concatenate(inside)]],
            1,
            lower=np.ones(levels.size),
        )
        start.append(np.array([float(not (part < p).any()) for part in inside]))
    return builder.build(), np.concatenate(start)


@pytest.mark.parametrize("seed", range(4))
def test_a_start_does_not_change_the_optimum_of_p_median(seed: int) -> None:
    """With presolve on, the optimum with a start is the optimum without."""
    model, start = _median(seed)
    assert model.violations(start) == []
    without = solve_model(model)
    with_start = solve_model(model, start=start)
    assert without.status is with_start.status is Status.OPTIMAL
    assert with_start.objective == pytest.approx(without.objective)


@pytest.mark.parametrize("name", KNOWN)
def test_published_cores_keep_their_optimum(shared_research: Path, name: str) -> None:
    """The cores that 1.16.0 gets wrong are solved to the published optimum with a start."""
    highspy = pytest.importorskip("highspy")
    folder = shared_research / "highs_mipstart_bug"
    start = np.loadtxt(folder / f"{name}_start.txt")
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.readModel(str(folder / f"{name}_core.mps"))
    highs.setSolution(start.size, np.arange(start.size, dtype=np.int32), start)
    highs.run()
    lp = highs.getLp()
    values = np.array(highs.getSolution().col_value)
    objective = lp.offset_ + float(np.array(lp.col_cost_) @ values)
    assert objective == pytest.approx(KNOWN[name], abs=1e-4)
    assert highs.getInfo().mip_dual_bound == pytest.approx(KNOWN[name], abs=0.5)
