"""Files that appear whole or not at all, and the record of how a result was made."""

import glob
import json
import os
import platform
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Writer = Callable[[Path], object]
DISTRIBUTION = "highdim-percolation"
LIBRARIES = ("numpy", "scipy", "numba", "networkx", "pandas", "matplotlib", "torch", "torchvision")


@contextmanager
def appearing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to; it becomes `path` by one rename if the block ends well, else it is removed."""
    path = Path(path)
    _remove_leftovers(path)
    prefix = f".{path.stem}-{_machine()}-{os.getpid()}-"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Temporary files of `path` whose process, on this machine, was killed while it wrote."""
    start = f".{path.stem}-{_machine()}-"
    for one in path.parent.glob(f"{glob.escape(start)}*{glob.escape(path.suffix)}"):
        process = one.name.removeprefix(start).partition("-")[0]
        if process.isdecimal() and not _runs(int(process)):
            one.unlink(missing_ok=True)


def _machine() -> str:
    """Whose process numbers these are: a folder may be shared."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:  # another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def write_json(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    with appearing(path) as temporary:
        _write_json(temporary, content)


def csv(table: "pd.DataFrame") -> Writer:
    """What writes a table whose numbers, read as Python's float reads them, have the same bits."""
    return lambda path: table.to_csv(path, index=False)


def write_run(folder: Path, table: "pd.DataFrame", record: dict[str, Any], **others: Writer) -> list[Path]:
    """run.json and table.csv, what every command leaves in its folder, and others by file name; all or none."""
    writers: dict[str, Writer] = {
        "run.json": lambda path: _write_json(path, record),
        "table.csv": csv(table),
    }
    return write_together(folder, writers | others)


def write_together(folder: Path, writers: dict[str, Writer]) -> list[Path]:
    """Call every writer on a temporary path; the files appear once all are written, the first named last."""
    with ExitStack() as stack:
        for name, write in writers.items():
            write(stack.enter_context(appearing(folder / name)))
    return [folder / name for name in writers]


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
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "not installed"


@cache
def packages() -> frozenset[str]:
    """The packages that one version stands for: this one, and those of this distribution that add commands to it."""
    added = entry_points(group="percolation.commands")
    own = {one.module.split(".")[0] for one in added if one.dist is not None and one.dist.name == DISTRIBUTION}
    return frozenset({__name__.split(".")[0], *own})


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


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, default=_plain) + "\n")


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
