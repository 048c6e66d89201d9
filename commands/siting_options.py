"""Options that say which clients and sites there are and which rules the sites must keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..instances.siting_asked import Asked
    from ..instances.siting_files import SitingFiles
    from ..outputs.siting_solution import ReportOptions

PublishedFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="OR-Library (pmed, cap, cpmp, scp), TSPLIB points, Holmberg, Yang, Lorena, Kratica, "
        "or a city of maximal covering; told apart by content.",
    ),
]


@dataclass(frozen=True)
class FileOptions:
    """Where clients and sites are."""

    costs: Annotated[
        Path | None,
        typer.Option(help="CSV of distances or costs: rows clients, columns sites; or pairs."),
    ] = None
    weights: Annotated[
        Path | None, typer.Option(help="CSV of client_id, weight (and reach), beside --costs.")
    ] = None
    capacities: Annotated[
        Path | None, typer.Option(help="CSV of site_id, capacity, beside --costs.")
    ] = None
    fixed_costs: Annotated[
        Path | None, typer.Option(help="CSV of site_id, fixed_cost, beside --costs.")
    ] = None
    clients: Annotated[
        Path | None, typer.Option(help="Points of clients: any GIS file, or a CSV with x and y.")
    ] = None
    sites: Annotated[
        Path | None, typer.Option(help="Points of sites; without it every client is a site.")
    ] = None
    format: Annotated[
        str | None, typer.Option("--format", help="Format of FILE, if its content fits several.")
    ] = None
    capacity: Annotated[
        float | None,
        typer.Option(min=0, help="Number for the word `capacity` of capa, capb, capc."),
    ] = None
    distances: Annotated[
        Path | None, typer.Option(help="Square matrix in place of the distances between points.")
    ] = None
    rounding: Annotated[
        str | None,
        typer.Option(
            help="Of Euclidean distances: floor, nearest, ceiling or none. TSPLIB points are "
            "rounded as the published tables do it: floor for p-median, nearest for p-center."
        ),
    ] = None
    clients_layer: Annotated[str | None, typer.Option(help="Layer of --clients.")] = None
    sites_layer: Annotated[str | None, typer.Option(help="Layer of --sites.")] = None
    client_id: Annotated[str | None, typer.Option(help="Column that names clients.")] = None
    site_id: Annotated[str | None, typer.Option(help="Column that names sites.")] = None
    weight_column: Annotated[
        str | None, typer.Option(help="Column of clients: weight, residents, demand, population.")
    ] = None
    reach_column: Annotated[
        str | None, typer.Option(help="Column of clients: how far each of them goes.")
    ] = None
    capacity_column: Annotated[str | None, typer.Option(help="Column of sites: capacity.")] = None
    fixed_cost_column: Annotated[
        str | None, typer.Option(help="Column of sites: fixed_cost, cost.")
    ] = None

    def files(self, file: Path | None) -> SitingFiles:
        """Return the files as instances take them."""
        from ..instances.siting_files import SitingFiles  # noqa: PLC0415 - quick --help

        given = {name: value for name, value in vars(self).items() if name != "format"}
        return SitingFiles(file=file, form=self.format, **given)


@dataclass(frozen=True)
class AskOptions:
    """What the sites must keep."""

    p: Annotated[
        int | None, typer.Option("-p", help="Sites to open; with --least, the most of them.")
    ] = None
    radius: Annotated[
        float | None, typer.Option(help="Distance up to which a site covers a client.")
    ] = None
    reach: Annotated[
        float | None, typer.Option(help="Distance up to which a site may serve a client.")
    ] = None
    budget: Annotated[
        float | None, typer.Option(help="Most that the open sites may cost (mclp, lscp-b).")
    ] = None
    least: Annotated[int | None, typer.Option(min=0, help="Fewest sites to open.")] = None
    most: Annotated[int | None, typer.Option(min=1, help="Most sites, for models without p.")] = (
        None
    )
    min_distance: Annotated[
        float | None,
        typer.Option(metavar="METRES", help="Least distance between open sites; points only."),
    ] = None
    keep_existing: Annotated[
        bool, typer.Option("--keep-existing", help="Sites whose status is existing stay open.")
    ] = False
    required: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Site that must be open; repeatable.")
    ] = None
    forbidden: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Site that must stay closed; repeatable.")
    ] = None
    unit_cost: Annotated[
        float | None,
        typer.Option(
            help="Cost of serving one unit of weight over one unit of distance (ufl, cfl, sscfl). "
            "Without it a matrix holds the costs of serving all of a client."
        ),
    ] = None
    share: Annotated[
        float | None, typer.Option(max=1, help="Share of the weight to be covered (pscp).")
    ] = None
    split: Annotated[
        bool, typer.Option("--split", help="Sites may share a client (cpmp, and --capacitated).")
    ] = False
    weighted: Annotated[bool, typer.Option("--weighted", help="Weigh distances (p-center).")] = (
        False
    )
    capacitated: Annotated[
        bool, typer.Option("--capacitated", help="Keep capacities (p-center, lscp, mclp).")
    ] = False

    def asked(self) -> Asked:
        """Return what is asked as instances take it; ids may stand in one option, by comma."""
        from ..instances.siting_asked import Asked  # noqa: PLC0415 - quick --help

        given = dict(vars(self))
        for name in ("required", "forbidden"):
            given[name] = tuple(given[name] or ())
        return Asked(**given)


@dataclass(frozen=True)
class AccessOptions:
    """How access is reported."""

    within: Annotated[
        float | None,
        typer.Option(min=0, help="Distance that the report counts as within reach."),
    ] = None
    speed_kmh: Annotated[
        float, typer.Option(min=0.1, help="Walking speed of the minutes that are reported.")
    ] = 4.5

    def report(self) -> ReportOptions:
        """Return them as outputs take them."""
        from ..outputs.siting_solution import ReportOptions  # noqa: PLC0415 - quick --help

        return ReportOptions(within=self.within, speed_kmh=self.speed_kmh)
