"""Read the layers of a city as they are: from a GeoPackage, GeoParquet files or PostGIS."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from .columns import LAYERS, TABLES
from .faults import CityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SQLITE = b"SQLite format 3\x00"
_STYLES = "layer_styles"
_DECISIONS = "decisions"


@dataclass(frozen=True, eq=False)
class Source:
    """
    What was read, before anything was checked.

    Parameters
    ----------
    name
        Name of the city: that of its file or, for ``city.gpkg``, of its folder.
    label
        Where it came from, for messages; without passwords.
    layers
        Rows of the known layers, indexed by the row number that the user sees.
    others
        Names of layers that the schema does not know.
    path, sha256
        File or folder and hash of its bytes; None and hash of the layers for a database.
    messages
        What the reader had to say.
    """

    name: str
    label: str
    layers: Mapping[str, Any]
    others: tuple[str, ...] = ()
    path: Path | None = None
    sha256: str = ""
    messages: tuple[str, ...] = ()


def read_source(location: Path | str) -> Source:
    """
    Read the layers of the city input that are there.

    Parameters
    ----------
    location
        A GeoPackage, a folder of GeoParquet files named ``<layer>.parquet``, or a URL
        ``postgresql://...`` of a database with tables of these names.

    Raises
    ------
    CityError
        If there is nothing to read there, or a library that reads it is missing.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if str(location).startswith(("postgresql://", "postgis://")):
            source = _read_postgis(str(location))
        elif Path(location).is_dir():
            source = _read_parquet(Path(location))
        else:
            source = _read_geopackage(Path(location))
    messages = {str(item.message).splitlines()[0] for item in caught}
    return replace(source, messages=tuple(sorted(messages)))


def _read_geopackage(path: Path) -> Source:
    if not path.is_file():
        raise CityError(f"{path} does not exist; give a GeoPackage (.gpkg), or check the path.")
    with path.open("rb") as file:
        start = file.read(len(_SQLITE))
        if not start:
            raise CityError(f"{path} is empty (0 bytes); export the city again, or copy it again.")
        if start != _SQLITE:
            raise CityError(
                f"{path} is not a GeoPackage. Convert it: ogr2ogr -f GPKG city.gpkg {path.name}"
            )
    try:
        names = [str(name) for name, _ in pyogrio.list_layers(path)]
        layers = {
            name: gpd.read_file(path, layer=name, engine="pyogrio", fid_as_index=True)
            for name in names
            if name in LAYERS
        }
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise CityError(f"{path} cannot be read as a GeoPackage: {error}") from error
    if not names:
        raise CityError(f"{path} has no layers; it needs a layer units. {_schema()}")
    return Source(
        name=_city_name(path),
        label=str(path),
        layers=layers,
        others=_others(names),
        path=path,
        sha256=_sha256([path]),
    )


def _read_parquet(folder: Path) -> Source:
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise CityError(
            f"The folder {folder} has no GeoParquet files; it needs units.parquet. {_schema()}"
        )
    try:
        layers = {
            file.stem: (pd if file.stem in TABLES else gpd).read_parquet(file)
            for file in files
            if file.stem in LAYERS
        }
    except ImportError:
        raise CityError(
            f"{folder} holds GeoParquet, which pyarrow reads: pip install 'shequ[parquet]'"
        ) from None
    except (OSError, ValueError) as error:
        raise CityError(f"The folder {folder} cannot be read as GeoParquet: {error}") from error
    return Source(
        name=folder.resolve().name,
        label=str(folder),
        layers=layers,
        others=_others(file.stem for file in files),
        path=folder,
        sha256=_sha256(files),
    )


def _read_postgis(url: str) -> Source:
    try:
        import sqlalchemy  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - extra
    except ImportError:
        raise CityError(
            "A PostGIS database is read by sqlalchemy and psycopg: pip install 'shequ[postgis]'"
        ) from None
    address = sqlalchemy.make_url(url.replace("postgis://", "postgresql://", 1))
    label = address.render_as_string(hide_password=True)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    try:
        engine = sqlalchemy.create_engine(address)
        inspector = sqlalchemy.inspect(engine)
        names = [*inspector.get_table_names(), *inspector.get_view_names()]
        layers = {name: _read_table(engine, name) for name in names if name in LAYERS}
    except (ImportError, ValueError, sqlalchemy.exc.SQLAlchemyError) as error:
        reason = str(error).splitlines()[0]
        raise CityError(f"The database {label} cannot be read: {reason}") from error
    return Source(
        name=str(address.database), label=label, layers=layers, sha256=content_hash(layers)
    )


def _read_table(engine: Any, name: str) -> Any:  # noqa: ANN401 - types of an extra
    """Read one table; its geometry column is the first that PostGIS lists for it."""
    import sqlalchemy  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - extra

    query = sqlalchemy.text(
        "select f_geometry_column from geometry_columns where f_table_name = :name"
    )
    with engine.connect() as connection:
        geometry = connection.execute(query, {"name": name}).scalar()
        rows = sqlalchemy.text(f'select * from "{name}"')  # noqa: S608 - a name of the schema
        if name in TABLES:
            return pd.read_sql(rows, connection)
        if geometry is None:
            raise ValueError(f"table {name} has no geometry column")
        return gpd.read_postgis(rows, connection, geom_col=geometry)


def content_hash(layers: Mapping[str, Any]) -> str:
    """
    Hash the rows of the known layers in their order, for input that is no file.

    Parameters
    ----------
    layers
        Frames by the name of the layer.
    """
    digest = hashlib.sha256()
    for name in sorted(set(layers) & set(LAYERS)):
        frame = layers[name]
        digest.update(repr((name, len(frame), list(frame.columns))).encode())
        for place in range(frame.shape[1]):
            digest.update(_cells(frame.iloc[:, place]) + b"\0")
    return digest.hexdigest()


def _cells(values: Any) -> bytes:  # noqa: ANN401 - any column
    """Return the cells of a column as bytes that differ where a cell differs."""
    if isinstance(values, gpd.GeoSeries):
        crs = values.crs.to_wkt() if values.crs is not None else ""
        shapes = [shape.hex() if shape else "" for shape in shapely.to_wkb(values.to_numpy())]
        return "\n".join([crs, *shapes]).encode()
    return "\n".join(map(repr, values.tolist())).encode(errors="backslashreplace")


def _city_name(path: Path) -> str:
    """Name the city after its file, or its folder where the file is just called city."""
    return path.resolve().parent.name if path.stem == "city" else path.stem


def _others(names: Iterable[str]) -> tuple[str, ...]:
    ignored = (name for name in names if name not in LAYERS and name != _STYLES)
    return tuple(name for name in ignored if not name.startswith(_DECISIONS))


def _schema() -> str:
    return f"The layers of a city are {', '.join(LAYERS)}."


def _sha256(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(files):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(files: Iterable[Path]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk
