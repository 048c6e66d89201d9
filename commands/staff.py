"""``shequ staff`` and ``shequ spending``: whole workers, and how evenly money is spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import check_file
from .planning import PolicyFile, Values, read_inputs

if TYPE_CHECKING:
    from ..instances.policy import Policy
    from ..optimize.planning.staff import StaffPlan

staff = typer.Typer()


@staff.command("staff")
def allot_staff(
    place: Annotated[
        Path, typer.Argument(help="City (GeoPackage, folder of GeoParquet), or folder of a plan.")
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv (posts beside it) or .json file.")
    ] = None,
    policy: PolicyFile = None,
    values: Values = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Allot whole community workers to communities and to stations."""
    from ..outputs.files import plain  # noqa: PLC0415 - quick --help
    from ..outputs.staff import staff_lines, write_staff  # noqa: PLC0415

    check_file(output)
    is_plan = (place / "plan.json").is_file()
    plan, rules = (_of_plan if is_plan else _of_city)(place, policy, values)
    record = plan.as_record(rules)
    if as_json:
        typer.echo(json.dumps(plain(record), ensure_ascii=False, indent=2))
    else:
        for line in staff_lines(plan, record):
            typer.echo(line)
    if output is not None:
        for file in write_staff(plan, record, output):
            typer.echo(f"wrote {file}", err=True)


def _of_city(city: Path, policy: Path | None, values: list[str] | None) -> tuple[StaffPlan, Policy]:
    from ..instances.walking import walking_times  # noqa: PLC0415
    from ..optimize.planning.staff import staff_city  # noqa: PLC0415

    read, rules = read_inputs(city, policy, values, need_sites=False)
    return staff_city(read, rules, walking_times(read, rules)), rules


def _of_plan(
    folder: Path, policy: Path | None, values: list[str] | None
) -> tuple[StaffPlan, Policy]:
    """Take the districts of a plan; its own rules, unless a policy is given."""
    from ..instances.policy import Policy, load_policy  # noqa: PLC0415
    from ..optimize.planning.staff import staff_plan  # noqa: PLC0415
    from ..outputs.reading import read_plan  # noqa: PLC0415

    written = read_plan(folder)
    if policy is not None:
        rules = load_policy(policy)
    else:
        own = written.record["policy"]["staff"]
        known = set(type(Policy().staff).model_fields)
        rules = Policy().with_values(
            {f"staff.{key}": value for key, value in own.items() if key in known}
        )
    given: dict[str, object] = {}
    for item in values or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"--set {item} not understood; write --set section.key=value.")
        given[name.strip()] = value.strip()
    rules = rules.with_values(given) if given else rules
    return staff_plan(written.districts, written.units, rules), rules


@staff.command("spending")
def show_spending(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV of all streets and communities.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a plan spends per resident by street and community, and how evenly."""
    from ..outputs.files import plain  # noqa: PLC0415 - quick --help
    from ..outputs.staff_spending import (  # noqa: PLC0415
        plan_spending,
        spending_lines,
        write_spending,
    )

    check_file(output)
    found = plan_spending(folder)
    if as_json:
        typer.echo(json.dumps(plain(found.as_record()), ensure_ascii=False, indent=2))
    else:
        for line in spending_lines(found):
            typer.echo(line)
    if output is not None:
        write_spending(found, output)
        typer.echo(f"wrote {output}", err=True)
