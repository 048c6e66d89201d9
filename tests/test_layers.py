"""Imports run down the tower only: models, instances, optimize, outputs, benchmarks, cli."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOWER = ("models", "instances", "optimize", "outputs", "benchmarks", "commands", "cli")
EVERYWHERE = {"shequ", "shequ.version", "shequ.__version__"}
SOLVERS = {"highspy", "ortools", "pulp", "pyscipopt", "gurobipy", "cplex"}
NOT_FOR_MODELS = SOLVERS | {"geopandas", "pandas", "shapely", "pyogrio", "pyproj"}


def sources() -> list[Path]:
    """Every Python file of the package."""
    inside = [path for floor in TOWER for path in sorted((ROOT / floor).rglob("*.py"))]
    return [*inside, ROOT / "cli.py"]


def module_of(path: Path) -> str:
    """Name of the package that relative imports of a file start from."""
    return ".".join(("shequ", *path.relative_to(ROOT).parent.parts))


def imports(path: Path, text: str | None = None) -> Iterator[str]:
    """Full names of all that a file imports, wherever in it the import stands."""
    tree = ast.parse(path.read_text(encoding="utf-8") if text is None else text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(name, module_of(path))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def floor_of(path: Path) -> int:
    """Floor of a file in the tower, counted from below."""
    return TOWER.index(path.relative_to(ROOT).parts[0].removesuffix(".py"))


def too_high(path: Path, names: Iterator[str]) -> list[str]:
    """Return the imports of shequ that lead upwards."""
    own = [name for name in names if name.split(".")[0] == "shequ" and name not in EVERYWHERE]
    return [name for name in own if _floor(name) > floor_of(path)]


def _floor(name: str) -> int:
    part = name.split(".")[1]
    return TOWER.index(part) if part in TOWER else -1


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_down_only(path: Path) -> None:
    """No file imports from a floor above its own."""
    assert too_high(path, imports(path)) == []


def test_an_import_that_leads_upwards_is_found() -> None:
    """The check sees relative, nested and absolute imports that lead upwards."""
    path = ROOT / "models" / "siting" / "station.py"
    text = "from ...optimize import limits\ndef f():\n    import shequ.cli\nfrom ... import outputs"
    found = too_high(path, imports(path, text))
    assert found == ["shequ.optimize.limits", "shequ.outputs", "shequ.cli"]


def test_the_verifier_knows_nothing_of_optimize() -> None:
    """``outputs/verify``, and what it imports of outputs, import nothing of the floors below."""
    waiting = sorted((ROOT / "outputs" / "verify").glob("*.py"))
    assert waiting
    seen, names = set(waiting), set()
    while waiting:
        for name in imports(waiting.pop()):
            names.add(name)
            path = file_of(name)
            if path is not None and path not in seen:
                seen.add(path)
                waiting.append(path)
    below = tuple(f"shequ.{floor}." for floor in ("models", "instances", "optimize"))
    assert sorted(name for name in names if name.startswith(below)) == []
    assert ROOT / "outputs" / "reading.py" in seen


def file_of(name: str) -> Path | None:
    """File that an imported name of shequ comes from; None for what is not of shequ."""
    parts = name.split(".")
    if parts[0] != "shequ":
        return None
    for num in (len(parts), len(parts) - 1):
        place = ROOT.joinpath(*parts[1:num])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if num > 1 and path.is_file():
                return path
    return None


@pytest.mark.parametrize(
    "path", sorted((ROOT / "models").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_models_know_arrays_only(path: Path) -> None:
    """Models import neither a solver nor a library of geometry or tables."""
    assert [name for name in imports(path) if name.split(".")[0] in NOT_FOR_MODELS] == []


def test_solvers_are_imported_by_backends_only() -> None:
    """Only ``optimize/solvers`` imports a solver's library, and peers of the benchmarks."""
    home = ROOT / "optimize" / "solvers"
    peers = ROOT / "benchmarks" / "methods"
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources()
        if home not in path.parents and peers not in path.parents
        for name in imports(path)
        if name.split(".")[0] in SOLVERS
    }
    assert strangers == set()
