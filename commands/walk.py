"""``shequ network`` and ``shequ isochrones``: networks from elsewhere, areas within reach."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .planning import City, PolicyFile, Values, read_inputs

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from ..instances.policy import Policy

walk = typer.Typer()

SUFFIXES = {".gpkg": "GPKG", ".geojson": "GeoJSON"}
"""Endings of the files that are written, with their drivers."""


@walk.command("network")
def make_network(
    lines: Annotated[Path, typer.Argument(help="A file .osm.pbf, or one with a layer of lines.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="GeoPackage to write.")],
    profile: Annotated[
        str, typer.Option(help="Ways of OpenStreetMap that are taken: walking or cycling.")
    ] = "walking",
    layer: Annotated[str | None, typer.Option(help="Layer of lines, if there are several.")] = None,
    elevation: Annotated[
        Path | None, typer.Option(help="GeoTIFF of elevations in metres, for slopes.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, help="Metres; else walking.join_ends_m of the policy."),
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help="Reference system of the network, such as EPSG:32650.")
    ] = None,
    city: Annotated[
        Path | None,
        typer.Option(help="City that gets the network: all its layers are written with it."),
    ] = None,
    policy: PolicyFile = None,
) -> None:
    """
    Make a network of the city input out of OpenStreetMap or of plain lines.

    Lines are cut where they meet, bridges and tunnels only where they share a vertex or end.
    """
    from ..instances.policy import load_policy  # noqa: PLC0415 - quick --help
    from ..instances.walking_import import import_network  # noqa: PLC0415 - quick --help

    if output.suffix != ".gpkg":
        raise ValueError(f"{output} is no GeoPackage; name a file that ends in .gpkg.")
    rules = load_policy(policy)
    made = import_network(
        lines,
        profile=_profile(profile),
        layer=layer,
        heights=elevation,
        tolerance_m=rules.walking.join_ends_m if tolerance is None else tolerance,
        crs=crs,
    )
    for note in made.notes:
        typer.echo(note)
    if city is None:
        _write(made.edges, output, "network")
    else:
        for note in _into_city(city, made.edges, rules, output):
            typer.echo(note)
    typer.echo(f"wrote {output}", err=True)


@walk.command("isochrones")
def draw_isochrones(
    city: City,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .gpkg or .geojson.")
    ],
    site: Annotated[
        list[str] | None, typer.Option(help="A site_id; may be given several times.")
    ] = None,
    all_open: Annotated[
        bool, typer.Option("--all-open", help="All sites that exist, as one.")
    ] = False,
    minutes: Annotated[str, typer.Option(help="Limits, by comma.")] = "5,10,15",
    group: Annotated[
        str, typer.Option(help="adult, elderly, child, cycling or wheelchair.")
    ] = "adult",
    width: Annotated[
        float, typer.Option(help="Metres to both sides of a street that count as reached.")
    ] = 50.0,
    policy: PolicyFile = None,
    values: Values = None,
) -> None:
    """Draw the areas from which sites are reached within some minutes, as polygons."""
    from ..instances.isochrones import isochrones  # noqa: PLC0415 - quick --help
    from ..instances.travel_groups import GROUPS  # noqa: PLC0415

    if all_open == bool(site):
        raise ValueError("name sites with --site, or take all that exist with --all-open.")
    if output.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{output} is neither .gpkg nor .geojson; name such a file.")
    if group not in GROUPS:
        raise ValueError(f"--group {group} not understood; choose {', '.join(GROUPS)}.")
    limits = _numbers(minutes)
    read, rules = read_inputs(city, policy, values)
    areas = isochrones(
        read,
        rules,
        sites=site or None,
        minutes=limits,
        group=group,
        width_m=width,
    )
    _write(areas.rename(columns={"group": "travel_group"}), output, "isochrones")  # SQL's own word
    for row in areas.itertuples():
        name = row.site_id or f"{row.sites:,} open sites"
        typer.echo(f"{name}: {row.minutes:g} minutes {row.group}, {row.area_m2 / 1e6:,.3f} km²")
    typer.echo(f"wrote {output}", err=True)


def _profile(text: str) -> Any:  # noqa: ANN401 - one of the literals
    from ..instances.osm_tags import PROFILES  # noqa: PLC0415

    if text not in PROFILES:
        raise ValueError(f"--profile {text} not understood; choose {' or '.join(PROFILES)}.")
    return text


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--minutes {text} not understood; write them as 5,10,15.") from None


def _into_city(path: Path, network: GeoDataFrame, policy: Policy, output: Path) -> list[str]:
    """Write the layers of a city with this network, and tell how far its places lie from it."""
    from ..instances.city import build_city, write_city  # noqa: PLC0415
    from ..instances.sources import read_source  # noqa: PLC0415
    from ..instances.travel import snappings, walking_times  # noqa: PLC0415

    source = read_source(path)
    layers = {**source.layers, "network": network}
    city = build_city(layers, policy, name=source.name, need_sites=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_city(layers, output)
    return [str(one) for one in snappings(city, policy, walking_times(city, policy))]


def _write(layer: GeoDataFrame, path: Path, name: str) -> None:
    """Write one layer into a file that appears whole or not at all."""
    import pyogrio  # noqa: PLC0415 - quick --help

    from ..outputs.atomic import replacing  # noqa: PLC0415

    with replacing(path) as draft:
        driver = SUFFIXES[path.suffix.lower()]
        pyogrio.write_dataframe(layer, draft, layer=name, driver=driver)
