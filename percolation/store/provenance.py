"""Which code made a result, on what machine."""

import inspect
import subprocess
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from percolation import files
from percolation.store.tasks import canonical

OWN = ("percolation", "empirical", "papers")  # the packages that one version stands for


@cache
def code() -> str:
    """The version of this package and its git commit; with uncommitted changes, a digest of its sources as well."""
    commit = files.git_commit()
    if commit is None:
        return files.version()
    return f"{files.version()} {commit[:12]}" + (f"+{_sources()}" if commit.endswith("+") else "")


def code_of(function: Callable[..., object], base: str) -> str:
    """The code that results of the function stand for: the base; for a function of yours its file's digest too."""
    module = inspect.getmodule(function)
    name = "" if module is None else module.__name__
    if name.split(".")[0] in OWN:
        return base
    try:
        source = Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError):
        return base
    return f"{base} {name}:{sha256(source).hexdigest()[:12]}"


@cache
def record() -> str:
    """Versions and machine, as canonical JSON; the same text for all results of one installation."""
    made = files.provenance({}, 0)
    kept: dict[str, Any] = {name: made[name] for name in ("versions", "git_commit", "machine")}
    return canonical(kept)


def _sources() -> str:
    """12 digits of the SHA-256 of the sources that git knows of, tests apart."""
    root = Path(__file__).resolve().parents[2]
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *(f"{package}/*.py" for package in OWN)],
        cwd=root, capture_output=True, text=True, timeout=10, check=True,
    )  # fmt: skip
    digest = sha256()
    for name in sorted(listed.stdout.splitlines()):
        if (root / name).is_file():  # a deleted file is still listed
            digest.update(name.encode() + b"\0" + (root / name).read_bytes())
    return digest.hexdigest()[:12]
