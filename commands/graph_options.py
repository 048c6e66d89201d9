"""Options that say how a districting file is read and which rules a plan must keep."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..instances.balance import Balance
    from ..instances.rule_book import RuleBook
    from ..instances.unit_graph import ReadOptions, UnitGraph

File = Annotated[
    Path,
    typer.Argument(
        help="State or graph in JSON (NetworkX, GerryChain), GeoJSON, GeoPackage or any GIS file."
    ),
]


@dataclass(frozen=True)
class GraphOptions:
    """How units, weights and neighbours are read."""

    instance: Annotated[
        int | None, typer.Option(help="Which instance of a file that holds several, from 0.")
    ] = None
    layer: Annotated[str | None, typer.Option(help="Layer of a GIS file with the units.")] = None
    where: Annotated[
        str | None, typer.Option(help="Condition on the rows: \"community_id = 'A'\".")
    ] = None
    id: Annotated[str | None, typer.Option("--id", help="Column that names the units.")] = None
    weight: Annotated[
        list[str] | None,
        typer.Option(help="Column to balance; the first is the mass too. May be given repeatedly."),
    ] = None
    today: Annotated[
        str | None, typer.Option(help="Column with the community of today, for `moved`.")
    ] = None
    contiguity: Annotated[
        str | None, typer.Option(help="rook: a border makes neighbours; queen: a corner too.")
    ] = None
    min_border: Annotated[
        float | None,
        typer.Option(min=0, metavar="METRES", help="Shorter borders make no neighbours."),
    ] = None
    across: Annotated[
        float | None,
        typer.Option(min=0, metavar="METRES", help="Units this far apart are neighbours."),
    ] = None
    edges: Annotated[
        Path | None,
        typer.Option(help="CSV of bridges and cuts: unit_a, unit_b, action add or remove."),
    ] = None
    join_parts: Annotated[
        bool, typer.Option("--join-parts", help="Join parts that do not touch, by shortest links.")
    ] = False

    def read_options(self, recorded: dict[str, Any] | None = None) -> ReadOptions:
        """
        Return how to read the file: what is given here, else what was recorded.

        Parameters
        ----------
        recorded
            The same options as a record wrote them; None for the defaults.
        """
        from ..instances.edge_changes import EdgeChange, read_edge_changes  # noqa: PLC0415
        from ..instances.unit_graph import ReadOptions  # noqa: PLC0415

        known = dict(recorded or {})
        known["edges"] = tuple(
            EdgeChange.from_record(change, f"recorded change {place}")
            for place, change in enumerate(known.get("edges", ()))
        )
        known["weights"] = tuple(known.get("weights", ()))
        given = {
            "instance": self.instance,
            "layer": self.layer,
            "where": self.where,
            "id_column": self.id,
            "weights": tuple(self.weight) if self.weight else None,
            "today": self.today,
            "contiguity": self.contiguity,
            "min_border_m": self.min_border,
            "across_m": self.across,
            "edges": None if self.edges is None else read_edge_changes(self.edges),
            "join_parts": True if self.join_parts else None,
        }
        return ReadOptions(
            **{**known, **{name: value for name, value in given.items() if value is not None}}
        )


@dataclass(frozen=True)
class RuleOptions:
    """Bounds and rules of the districts."""

    lower: Annotated[
        list[float] | None, typer.Option(help="Least of a weight in a district; one a --weight.")
    ] = None
    upper: Annotated[
        list[float] | None, typer.Option(help="Most of a weight in a district; one a --weight.")
    ] = None
    tolerance: Annotated[
        list[float] | None,
        typer.Option(help="Share by which a district may differ from the mean: 0.05."),
    ] = None
    rules: Annotated[
        Path | None,
        typer.Option(help="TOML or CSV: locked, forbidden, seats, apart, together, own bounds."),
    ] = None

    together: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Neighbours with an equal value stay together."),
    ] = None

    def balance(self) -> Balance:
        """Return the bounds that are given."""
        from ..instances.balance import Balance  # noqa: PLC0415

        return Balance(
            lower=tuple(self.lower or ()),
            upper=tuple(self.upper or ()),
            tolerance=tuple(self.tolerance or ()),
        )

    def book(self, graph: UnitGraph) -> RuleBook:
        """Return the rules of the file and of the column, none without them."""
        from ..instances.rule_book import RuleBook, read_rule_book  # noqa: PLC0415
        from ..instances.rule_names import units_with_equal  # noqa: PLC0415

        book = RuleBook() if self.rules is None else read_rule_book(self.rules)
        if self.together is None:
            return book
        return replace(book, together=book.together + units_with_equal(graph, self.together))


def options_record(options: ReadOptions) -> dict[str, Any]:
    """Return how a file was read, as JSON."""
    record = asdict(options)
    record["edges"] = [change.as_record() for change in options.edges]
    record["weights"] = list(options.weights)
    return record
