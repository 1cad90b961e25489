"""Files that appear whole or not at all, and the record of how a result was made."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

LIBRARIES = ("numpy", "scipy", "numba", "networkx", "pandas", "matplotlib", "torch", "torchvision")


@contextmanager
def appearing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to; it becomes `path` by one rename if the block ends well, else it is removed."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    with appearing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=_plain) + "\n")


def write_table(path: str | os.PathLike[str], table: pd.DataFrame) -> None:
    """A CSV whose floats read back to the same bits."""
    with appearing(path) as temporary:
        table.to_csv(temporary, index=False)


def write_run(folder: Path, table: pd.DataFrame, record: dict[str, Any], **tables: pd.DataFrame) -> list[Path]:
    """table.csv and run.json, what every command leaves in its folder; further tables under their own names."""
    paths = []
    for name, content in {"table": table, **tables}.items():
        paths.append(folder / f"{name}.csv")
        write_table(paths[-1], content)
    paths.append(folder / "run.json")
    write_json(paths[-1], record)
    return paths


def provenance(parameters: dict[str, Any], seed: int) -> dict[str, Any]:
    """What made a result: parameters, seed, versions, git commit, machine, time."""
    return {
        "parameters": parameters,
        "seed": seed,
        "command": " ".join(["percolation", *sys.argv[1:]]),
        "versions": {"highdim-percolation": version(), "python": platform.python_version(), **_library_versions()},
        "git_commit": git_commit(),
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def version() -> str:
    """Version of this distribution."""
    try:
        return metadata.version("highdim-percolation")
    except metadata.PackageNotFoundError:
        return "not installed"


def git_commit() -> str | None:
    """Commit of the checkout that this package runs from, '+' appended if it has changes; None if installed."""

    def git(*arguments: str) -> str:
        here = Path(__file__).resolve().parent
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        tracked = git("ls-files", Path(__file__).name)
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "") if tracked else None
    except (OSError, subprocess.SubprocessError):
        return None


def _library_versions() -> dict[str, str]:
    installed = {}
    for name in LIBRARIES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _plain(value: Any) -> Any:
    """numpy scalars and arrays, paths and anything with a name, as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
