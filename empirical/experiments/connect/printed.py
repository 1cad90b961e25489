"""What a terminal shows of connections: with the theories beside them, or alone."""

import math
from typing import TYPE_CHECKING, Any

import typer

from empirical.experiments.rounds.printed import compared_cells, print_responses
from percolation.quantities import with_error
from percolation.terminal import print_table

if TYPE_CHECKING:
    import pandas as pd


def print_comparison(table: "pd.DataFrame") -> None:
    """The table in four parts that fit a terminal: percolation's prediction, the paths, two theories of the finder.

    Of planned paths two, and how many were.
    """
    rows = table.to_dict("records")
    label = [[_short_network(r), str(r["dimension"]), SHORT_PAIRS[r["pair"]]] for r in rows]
    print_table(
        "Connected? iid percolation says yes where p > p_c   (* untrained)",
        ["network", "d", "pairs", "n", "p", "p_c", "iid", "found", "95 %", "rounds", "verdict"],
        [
            [
                *part,
                str(r["pairs"]),
                f"{r['occupation']:.3f}",
                f"{r['p_c']:.2g}",
                "yes" if r["iid_connected"] else "no",
                f"{r['connected']:.2f}",
                f"{r['connected_low']:.2f}..{r['connected_high']:.2f}",
                with_error(r["rounds"], r["rounds_error"]),
                r["verdict"],
            ]
            for part, r in zip(label, rows, strict=True)
        ],
    )
    print_table(
        "Their paths: means; quartiles of the primary barrier, median gap [nats]",
        ["network", "d", "pairs", "q25", "barrier", "q75", "gap", "excess", "radial"],
        [
            [
                *part,
                *(_compact(r[name]) for name in ("barrier_q25", "barrier_median", "barrier_q75", "gap_median")),
                f"{r['excess_length']:.3f}",
                f"{r['radial_connected']:.2f}",
            ]
            for part, r in zip(label, rows, strict=True)
        ],
    )
    if planned := sum(r.get("planned", 0) for r in rows):
        typer.echo(
            f"{planned} of {sum(r['pairs'] for r in rows)} paths were planned: rounds are those after the plan\n"
        )
        return
    print_table(
        "The stationary theory of the finder, predicted from all straight lines, beside what it did",
        ["network", "d", "pairs", "rounds", "theory", "z", "segm.", "theory", "z", "|B'-B|", "theory"],
        [
            [
                *part,
                *(cell for name in ("rounds", "segments") for cell in compared_cells(r, name)),
                *(_compact(r[f"{which}_displacement"]) for which in ("measured", "predicted")),
            ]
            for part, r in zip(label, rows, strict=True)
        ],
    )
    print_responses(label, ["network", "d", "pairs"], rows)


def print_connected(table: "pd.DataFrame") -> None:
    """What was found, where no theory was asked."""
    row = table.iloc[0]
    if row.get("planned", 0):
        typer.echo(f"{row['planned']} of {row['pairs']} paths were planned: rounds are those after the plan\n")
    found = f"{row['connected']:.2f}", f"{row['connected_low']:.2f}..{row['connected_high']:.2f}"
    numbers = [f"{row[name]:.3g}" for name in ("barrier_median", "gap_median", "displacement", "excess_length")]
    print_table(
        "Connected?   (means; median barrier and gap in nats)",
        ["network", "d", "n", "found", "95 %", "rounds", "barrier", "gap", "|B'-B|", "excess"],
        [
            [
                row["network"],
                str(row["dimension"]),
                str(row["pairs"]),
                *found,
                with_error(row["rounds"], row["rounds_error"]),
                *numbers,
            ]
        ],
    )


SHORT_PAIRS = {"natural-natural": "nat-nat", "natural-adversarial": "nat-adv", "class-optimal": "optimal"}


def _short_network(row: dict[str, Any]) -> str:
    return row["network"].rpartition(":")[2] + ("*" if row["training"] == "untrained" else "")


def _compact(value: float) -> str:
    """Two digits, one below a thousandth: 0.26, 5e-4."""
    if math.isnan(value):
        return "-"
    return f"{value:.2g}" if value >= 1e-3 else f"{value:.0e}".replace("e-0", "e-")
