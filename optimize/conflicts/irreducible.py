"""
Irreducible sets of rules that clash: leave out any one of them, and the others can be kept.

Steps, for one set:

1. Elastic filter (Chinneck and Dravnieks 1991, "Locating minimal infeasible constraint sets in
   linear programs", ORSA Journal on Computing 3(2)): relax every rule at a price; those that are
   relaxed are put in force, until they clash. On the linear relaxation if that clashes, else on
   the integer program.
2. QuickXplain (Junker 2004, "QuickXplain: preferred explanations and relaxations for
   over-constrained problems", AAAI): divide the set in halves and keep of each what is needed.
3. Deletion filter (Chinneck and Dravnieks 1991) on the integer program: a rule without which the
   others still clash goes. A set that is minimal for the linear relaxation need not be so for the
   integer program.

Every step asks only "can these rules be kept?". The answers are kept: what a solution keeps can be
kept, and what holds a clash clashes. The set that is left is proven to clash by the solver, and
for each of its rules a solution that keeps all others is in hand, checked without a solver.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from ..limits import Deadline, Limits, Stop
from ..result import Status
from ..solvers import solve_lp, solve_model
from .groups import GroupedModel, Part, RuleGroup, independent_parts, restricted
from .relaxation import elastic_model

SLACK = 1e-7
"""Slack of an elastic program from which on a rule counts as relaxed."""


@dataclass(frozen=True, eq=False)
class Conflict:
    """
    A set of rules that clash.

    Parameters
    ----------
    rules
        Their numbers, ascending.
    witnesses
        For each rule a solution that keeps all others, shape (columns,); None where none was
        found within the limits: the rule may then be one too many.
    checks
        How often it was asked whether some rules can be kept.
    """

    rules: tuple[int, ...]
    witnesses: tuple[FloatArray | None, ...]
    checks: int

    @property
    def is_irreducible(self) -> bool:
        """Whether it is proven that all others can be kept without any one rule."""
        return all(witness is not None for witness in self.witnesses)


@dataclass(frozen=True, eq=False)
class Finding:
    """
    Whether rules clash, and which.

    Parameters
    ----------
    status
        INFEASIBLE: they clash, see ``conflicts``. FEASIBLE: they can be kept, or can be without
        the rules that the conflicts were asked to give up. UNKNOWN: neither within the limits.
    conflicts
        Sets of rules that clash.
    given_up
        Rules that were left out to look for further conflicts.
    """

    status: Status
    conflicts: tuple[Conflict, ...] = ()
    given_up: tuple[int, ...] = ()


@dataclass(eq=False)
class _Oracle:
    """Answers whether rules can be kept together, and remembers what it learnt."""

    grouped: GroupedModel
    solver: str
    limits: Limits
    deadline: Deadline
    stop: Stop | None
    kept: list[tuple[frozenset[int], FloatArray]] = field(default_factory=list)
    clashing: list[frozenset[int]] = field(default_factory=list)
    checks: int = 0

    @property
    def is_over(self) -> bool:
        """Whether no time is left, or someone asked to stop."""
        return self.deadline.passed or (self.stop is not None and self.stop.requested)

    def witness(self, rules: Collection[int]) -> FloatArray | None:
        """Return a known solution that keeps the rules, if there is one."""
        wanted = frozenset(rules)
        return next((values for kept, values in self.kept if wanted <= kept), None)

    def relaxation_clashes(self, rules: Collection[int]) -> bool:
        """Whether the linear relaxation proves that the rules clash."""
        wanted = frozenset(rules)
        if any(known <= wanted for known in self.clashing):
            return True
        if self.is_over or self.witness(wanted) is not None:
            return False
        self.checks += 1
        model = self.grouped.with_groups(wanted)
        if not (model.num_rows and model.num_columns):
            return self.clashes(wanted) is True
        answer = solve_lp(model, limits=self.limits.within(self.deadline.seconds_left))
        if answer.status is Status.INFEASIBLE:
            self.clashing.append(wanted)
            return True
        return False

    def clashes(self, rules: Collection[int]) -> bool | None:
        """Whether the rules clash; None if that was not settled."""
        wanted = frozenset(rules)
        if any(known <= wanted for known in self.clashing):
            return True
        if self.witness(wanted) is not None:
            return False
        if self.is_over:
            return None
        self.checks += 1
        model = self.grouped.with_groups(wanted)
        result = solve_model(
            model,
            solver=self.solver,
            limits=self.limits.within(self.deadline.seconds_left),
            stop=self.stop,
        )
        if result.status is Status.INFEASIBLE:
            self.clashing.append(wanted)
            return True
        if result.solution is None:
            return None
        self.learn(result.solution)
        return None if self.witness(wanted) is None else False

    def solved(self, model: LinearModel, *, linear: bool) -> tuple[Status, FloatArray | None]:
        """Solve a model, or its relaxation; values are None where there are none."""
        self.checks += 1
        limits = self.limits.within(self.deadline.seconds_left)
        if linear:
            answer = solve_lp(model, limits=limits)
            return answer.status, answer.values if answer.values.size else None
        found = solve_model(model, solver=self.solver, limits=limits, stop=self.stop)
        return found.status, found.solution

    def learn(self, values: FloatArray) -> None:
        """Remember a solution with the rules that it keeps, if it keeps all that is no rule."""
        rounded = np.where(self.grouped.model.integer, np.rint(values), values)
        if not self.grouped.with_groups(()).violations(rounded):
            self.kept.append((self.grouped.kept_by(rounded), rounded))


def find_conflict(
    grouped: GroupedModel,
    *,
    among: Collection[int] | None = None,
    order: Sequence[int] | None = None,
    solver: str = "highs",
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Finding:
    """
    Find one irreducible set of rules that clash.

    Parameters
    ----------
    grouped
        The model and its rules.
    among
        Numbers of the rules that are in force; None for all.
    order
        Rules that are rather in the set, first; None for their own order.
    solver, limits, stop
        As in :func:`solve_model`; the time is for all questions together.

    Returns
    -------
    Finding
        With one conflict if they clash. It is empty if even no rule at all leaves a solution.
    """
    limits = limits or Limits()
    part = restricted(grouped, grouped.all_groups if among is None else among)
    oracle = _Oracle(part.grouped, solver, limits, Deadline.after(limits.seconds), stop)
    place = {number: spot for spot, number in enumerate(part.numbers)}
    first = [place[number] for number in order or () if number in place]
    ranked = list(dict.fromkeys([*first, *range(len(part.numbers))]))
    linear = oracle.relaxation_clashes(ranked)
    if not linear:
        answer = oracle.clashes(ranked)
        if answer is not True:
            return Finding(Status.UNKNOWN if answer is None else Status.FEASIBLE)
    few = _quick_explain(oracle, _filtered(oracle, ranked, linear=linear), linear=linear)
    rules = _deleted(oracle, few)
    named = sorted(rules, key=lambda spot: part.numbers[spot])
    witnesses = tuple(oracle.witness(set(rules) - {spot}) for spot in named)
    numbers = tuple(part.numbers[spot] for spot in named)
    return Finding(Status.INFEASIBLE, (Conflict(numbers, witnesses, oracle.checks),))


def find_conflicts(
    grouped: GroupedModel,
    *,
    give_up: Callable[[RuleGroup], bool] = lambda rule: True,  # noqa: ARG005 - any rule
    among: Collection[int] | None = None,
    most: int = 100,
    solver: str = "highs",
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Finding:
    """
    Find irreducible sets of clashing rules until the rest of the rules can be kept.

    After each set the rules in it that may be given up are left out (all of them, if none may),
    and the search goes on: no two sets share a rule that was given up. Parts that share no column
    are searched one by one.

    Parameters
    ----------
    grouped
        The model and its rules.
    give_up
        Whether a rule may be given up.
    among
        Numbers of the rules that are in force; None for all.
    most
        Number of sets after which the search ends.
    solver, limits, stop
        As in :func:`find_conflict`, for all sets together.

    Returns
    -------
    Finding
        UNKNOWN if time or ``most`` ended the search; the sets that were found stand.
    """
    limits = limits or Limits()
    deadline = Deadline.after(limits.seconds)
    rules = grouped.all_groups if among is None else frozenset(among)
    base = _base(grouped, solver, limits, stop)
    if base is None:
        return find_conflict(grouped, among=(), solver=solver, limits=limits, stop=stop)
    conflicts: list[Conflict] = []
    given_up: list[int] = []
    for part in independent_parts(grouped, rules):
        left = set(range(len(part.numbers)))
        while True:
            if len(conflicts) >= most or deadline.passed:
                return Finding(Status.UNKNOWN, tuple(conflicts), tuple(given_up))
            found = find_conflict(
                part.grouped,
                among=left,
                solver=solver,
                limits=limits.within(deadline.seconds_left),
                stop=stop,
            )
            if found.status is Status.UNKNOWN:
                return Finding(Status.UNKNOWN, tuple(conflicts), tuple(given_up))
            if found.status is Status.FEASIBLE:
                break
            conflict = found.conflicts[0]
            conflicts.append(_in_whole(conflict, part, base))
            lost = [spot for spot in conflict.rules if give_up(part.grouped.groups[spot])]
            left -= set(lost or conflict.rules)
            given_up += [part.numbers[spot] for spot in lost or conflict.rules]
    status = Status.INFEASIBLE if conflicts else Status.FEASIBLE
    return Finding(status, tuple(conflicts), tuple(given_up))


def _base(
    grouped: GroupedModel, solver: str, limits: Limits, stop: Stop | None
) -> FloatArray | None:
    """Return a solution with no rule in force."""
    model = grouped.with_groups(())
    return solve_model(model, solver=solver, limits=limits, stop=stop).solution


def _in_whole(conflict: Conflict, part: Part, base: FloatArray) -> Conflict:
    """Return a conflict of a part with the numbers and columns of the whole."""
    witnesses: list[FloatArray | None] = []
    for values in conflict.witnesses:
        whole = base.copy()
        if values is not None:
            whole[part.columns] = values
        witnesses.append(None if values is None else whole)
    numbers = tuple(part.numbers[spot] for spot in conflict.rules)
    return Conflict(numbers, tuple(witnesses), conflict.checks)


def _filtered(oracle: _Oracle, ranked: list[int], *, linear: bool) -> list[int]:
    """Elastic filter: rules that are relaxed are put in force, until they clash."""
    hard: list[int] = []
    soft = list(ranked)
    while soft and not oracle.is_over:
        elastic = elastic_model(oracle.grouped, soft)
        status, values = oracle.solved(elastic.model, linear=linear)
        if status is Status.INFEASIBLE:
            oracle.clashing.append(frozenset(hard))
            return [spot for spot in ranked if spot in hard]
        if values is None:
            return ranked
        slack = values[oracle.grouped.model.num_columns :]
        used = set(elastic.rule[slack > SLACK].tolist())
        if not used:
            return ranked
        hard += sorted(used)
        soft = [spot for spot in soft if spot not in used]
    return ranked


def _quick_explain(oracle: _Oracle, rules: list[int], *, linear: bool) -> list[int]:
    """QuickXplain (Junker 2004, figure 2): a smallest clashing subset, first rules preferred."""
    clash = oracle.relaxation_clashes if linear else oracle.clashes

    def explain(known: frozenset[int], added: bool, rest: list[int]) -> list[int]:
        if added and clash(known) is True:
            return []
        if len(rest) <= 1:
            return rest
        middle = len(rest) // 2
        first, second = rest[:middle], rest[middle:]
        of_second = explain(known.union(first), True, second)
        of_first = explain(known.union(of_second), bool(of_second), first)
        return of_first + of_second

    if clash(frozenset()) is True:
        return []
    return explain(frozenset(), False, rules)


def _deleted(oracle: _Oracle, rules: list[int]) -> list[int]:
    """Drop every rule without which the others still clash, by the integer program."""
    left = list(rules)
    for rule in reversed(rules):
        if oracle.clashes([other for other in left if other != rule]) is True:
            left.remove(rule)
    return left
