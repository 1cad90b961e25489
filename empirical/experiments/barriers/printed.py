"""The summary of barriers on a terminal: two tables, and in words what holds."""

from typing import Any

import pandas as pd
import typer

from empirical.experiments.barriers.statistics import REFERENCE_KIND, verdicts
from percolation.terminal import print_table

SHORT = {
    "natural-natural": "nat-nat",
    "natural-adversarial": "nat-adv",
    "natural-fooling": "nat-fool",
    "across-classes": "across",
    "natural-noise": "noise",
}


def print_barriers(name: str, found: pd.DataFrame) -> None:
    """The summary of one network, and in words which kinds lie above natural-natural."""
    rows = found.to_dict("records")
    print_table(
        f"{name}: gap, nats of A's class",
        ["pairs", "n", "mean", "95 %", "median", "95 %", "AUC", "95 %", "p", "paired"],
        [
            [
                _short(row["kind"]),
                str(row["pairs"] - row["without_partner"]),
                _number(row["gap_mean"]),
                _limits(row, "gap_mean"),
                _number(row["gap_median"]),
                _limits(row, "gap_median"),
                f"{row['auc']:.3f}",
                _limits(row, "auc", ".2f"),
                "-" if row["kind"] == REFERENCE_KIND else f"{row['p']:.0e}",
                _or_dash(row["paired_p"], ".0e"),
            ]
            for row in rows
        ],
    )
    if "rounds_mean" in found:
        print_table(
            f"{name}: rounds, means of the connected",
            ["pairs", "n", "found", "rounds", "95 %", "segm.", "AUC", "p", "|C-A|", "its AUC"],
            [_rounds_cells(row) for row in rows],
        )
    for row in rows:
        if row["kind"] != REFERENCE_KIND:
            typer.echo(f"{row['kind']} against {REFERENCE_KIND}: {'; '.join(verdicts(row, rows[0]))}")
        if row["without_partner"]:
            typer.echo(f"{row['kind']}: {row['without_partner']} of {row['pairs']} came to no partner, left out")
    typer.echo("")


def _rounds_cells(row: dict[str, Any]) -> list[str]:
    cells = [_short(row["kind"]), str(row["searched"])]
    if not row["searched"]:
        return [*cells, *["-"] * 6, _number(row["distance_median"]), f"{row['distance_auc']:.3f}"]
    return [
        *cells,
        f"{row['connected']:.3f}",
        _number(row["rounds_mean"]),
        _limits(row, "rounds_mean"),
        _number(row["segments_mean"]),
        _or_dash(row["rounds_auc"], ".3f"),
        _or_dash(row["rounds_p"], ".0e"),
        _number(row["distance_median"]),
        f"{row['distance_auc']:.3f}",
    ]


def _or_dash(value: float, digits: str) -> str:
    return "-" if value != value else f"{value:{digits}}"


def _short(kind: str) -> str:
    return SHORT.get(kind, kind)


def _number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.0e}"


def _limits(row: dict[str, Any], name: str, digits: str = "") -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low != low:
        return "-"
    return f"{low:{digits}}..{high:{digits}}" if digits else f"{_number(low)}..{_number(high)}"
