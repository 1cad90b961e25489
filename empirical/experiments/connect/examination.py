"""What a user asks for beside the table of pairs: certificates, quality, the paths themselves."""

from collections import Counter
from typing import Any

import pandas as pd

from empirical.finder import quality
from empirical.finder.certificate import Certificate, certify_many
from empirical.finder.connections import Connections
from empirical.finder.exact import restriction_of
from empirical.losses.objectives import Objective
from percolation import checks, files


class Examination:
    """Looks at the paths found, as `measure.measure` calls it with them, and keeps what was asked for."""

    def __init__(self, level: float, certify: str | None, judge: bool, keep: bool) -> None:
        """certify: a tolerance in nats, or 'exact'."""
        self.exact = certify == "exact"
        self.tolerance = None if certify is None or self.exact else _tolerance(certify)
        self.level, self.judge, self.keep = level, judge, keep
        self.certificates: list[Certificate] = []
        self.quality: pd.DataFrame | None = None
        self.found: Connections | None = None

    def refuse(self, objective: Objective) -> None:
        """Say before the search what no certificate can be had of."""
        if self.exact:
            restriction_of(objective)

    def __call__(self, objective: Objective, found: Connections) -> None:
        self.found = found
        paths, pairs = [one.path for one in found], list(range(len(found)))
        if self.exact:
            self.certificates = certify_many(objective, paths, pairs, level=self.level, exact=True)
        elif self.tolerance is not None:
            self.certificates = certify_many(objective, paths, pairs, self.tolerance, level=self.level)
        if self.judge:
            self.quality = quality.table(objective, found)

    def beside(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """The table of pairs with the certificates."""
        if not self.certificates:
            return pairs
        return pairs.assign(
            certified_bound=[one.bound for one in self.certificates],
            certificate=[one.verdict for one in self.certificates],
        )

    def verdicts(self) -> str:
        """How many paths are open, with what that rests on."""
        counts = Counter(one.verdict for one in self.certificates)
        said = ", ".join(f"{n} paths {verdict}" for verdict, n in counts.items())
        how = "at every kink, exactly" if self.exact else f"between grid points, to {self.tolerance:g} nats"
        return f"{how}: {said}"

    def writers(self, record: dict[str, Any]) -> dict[str, files.Writer]:
        made: dict[str, files.Writer] = {}
        if self.quality is not None:
            made["quality.csv"] = files.csv(self.quality)
        if self.keep and self.found is not None:
            made |= self.found.writers("paths", record)
        return made


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"certify takes a tolerance in nats, or exact, got {text!r}") from error
    return checks.positive("certify", number)
