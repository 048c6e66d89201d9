"""``shequ generate ...``: synthetic input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

generate = typer.Typer(help="Make synthetic input.", no_args_is_help=True)


@generate.command("city")
def generate_city_file(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="GeoPackage to write.")],
    residents: Annotated[int, typer.Option(help="Residents of the city.")] = 300_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same city.")] = 7,
) -> None:
    """Write a synthetic city in the schema of the city input."""
    from ..instances.city import write_city  # noqa: PLC0415
    from ..instances.synthetic import generate_city  # noqa: PLC0415

    output.parent.mkdir(parents=True, exist_ok=True)
    layers = generate_city(residents=residents, seed=seed)
    path = write_city(layers, output)
    typer.echo(f"wrote {path}: {len(layers['units']):,} units, {len(layers['sites']):,} sites")


@generate.command("districting")
def generate_districting_file(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON file to write.")],
    units: Annotated[int, typer.Option("-n", min=2, help="Number of units.")] = 100,
    districts: Annotated[int, typer.Option("-k", min=1, help="Number of districts.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed makes the same units.")] = 1,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Share by which a district may differ from the mean.")
    ] = 0.05,
) -> None:
    """Write units on Voronoi cells as a graph of NetworkX (node-link JSON)."""
    from ..instances.readers.networkx_json import node_link_record  # noqa: PLC0415
    from ..instances.synthetic.district_graphs import voronoi_districting  # noqa: PLC0415
    from ..outputs.atomic import write_text  # noqa: PLC0415

    problem, lengths = voronoi_districting(units, districts, seed=seed, tolerance=tolerance)
    write_text(output, json.dumps(node_link_record(problem, lengths), indent=1) + "\n")
    typer.echo(f"wrote {output}: {units:,} units, {len(problem.edges):,} edges")
