"""The package is complete: listed folders, data files, wheel, installs from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import shequ

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FLOORS = ("benchmarks", "commands", "instances", "models", "optimize", "outputs")
LEFT_OUT = ("__pycache__", "*.egg-info", ".*", "build", "dist", "out", "tests")


def setuptools_major() -> int:
    """Major version of the installed setuptools; 0 if there is none."""
    try:
        from setuptools import __version__ as version  # noqa: PLC0415 - a tool of builds only
    except ImportError:
        return 0
    return int(str(version).split(".")[0])


needs_setuptools = pytest.mark.skipif(
    setuptools_major() < 77, reason="building needs setuptools 77 or later; see `make setup`"
)


def run(*command: str, cwd: Path, python_path: Path | None = None) -> str:
    """Run Python with arguments away from the network; return what it prints."""
    environment = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if python_path is not None:
        environment["PYTHONPATH"] = str(python_path)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(*arguments: str, cwd: Path) -> str:
    """Run pip on what is here already: no index, no build environment of its own."""
    command, *rest = arguments
    return run("-m", "pip", command, "--no-deps", "--no-build-isolation", *rest, cwd=cwd)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository in a folder of another name."""
    folder = tmp_path_factory.mktemp("clone") / "another name"
    shutil.copytree(ROOT, folder, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return folder


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel built from the copy."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--wheel-dir", str(folder), str(clone), cwd=folder)
    return next(folder.glob("shequ-*.whl"))


def test_every_folder_with_code_is_listed() -> None:
    """The packages that pyproject.toml lists are the folders with an ``__init__.py``."""
    folders = {
        ".".join(("shequ", *path.parent.relative_to(ROOT).parts))
        for floor in FLOORS
        for path in (ROOT / floor).rglob("__init__.py")
    }
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(folders | {"shequ"})


def test_every_folder_with_code_is_a_package() -> None:
    """No Python file lies in a folder without an ``__init__.py``."""
    files = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    assert [path for path in files if not (path.parent / "__init__.py").exists()] == []


def test_every_pattern_of_data_files_matches() -> None:
    """Each pattern of package data finds a file."""
    patterns = [
        (package, pattern)
        for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
    ]
    folders = {package: ROOT.joinpath(*package.split(".")[1:]) for package, _ in patterns}
    assert [(p, glob) for p, glob in patterns if not any(folders[p].glob(glob))] == []


def test_the_command_is_an_entry_point() -> None:
    """The installed command ``shequ`` starts ``shequ.cli.main``."""
    (command,) = entry_points(group="console_scripts", name="shequ")
    assert command.value == "shequ.cli:main"
    assert callable(command.load())


@needs_setuptools
@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """The wheel holds all code and data of the package, and nothing outside of it."""
    data = {".py", ".typed", ".html", ".css", ".js", ".toml", ".qml"}
    files = [ROOT / name for name in ("__init__.py", "__main__.py", "cli.py", "version.py")]
    files += [path for floor in FLOORS for path in (ROOT / floor).rglob("*")]
    expected = {f"shequ/{path.relative_to(ROOT).as_posix()}" for path in files}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in expected if Path(name).suffix in data} - held == set()
    assert {name.split("/")[0].split("-")[0] for name in held} == {"shequ"}


@needs_setuptools
@pytest.mark.slow
def test_the_wheel_runs_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    """An installed wheel says its version, with the repository out of sight."""
    pip("install", "--target", str(tmp_path / "site"), str(wheel), cwd=tmp_path)
    where = run(
        "-c", "import shequ; print(shequ.__file__)", cwd=tmp_path, python_path=tmp_path / "site"
    )
    said = run("-m", "shequ", "--version", cwd=tmp_path, python_path=tmp_path / "site")
    assert Path(where.strip()).is_relative_to(tmp_path)
    assert shequ.__version__ in said


@needs_setuptools
@pytest.mark.slow
def test_a_clone_of_any_name_can_be_installed(clone: Path, tmp_path: Path) -> None:
    """``pip install`` of a clone whose folder is not called shequ gives the package shequ."""
    pip("install", "--target", str(tmp_path / "site"), str(clone), cwd=tmp_path)
    said = run("-m", "shequ", "--version", cwd=tmp_path, python_path=tmp_path / "site")
    assert shequ.__version__ in said
