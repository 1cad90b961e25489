"""What a terminal shows of rounds: measured beside predicted."""

import math
from typing import Any

import typer

from percolation.quantities import with_error
from percolation.terminal import print_table


def print_rounds(rows: list[dict[str, Any]]) -> None:
    """The table in three parts that fit a terminal: the stationary theory in two, then linear response of each pair."""
    label = [[_short(row), str(row["dimension"]), f"{row['occupation']:.3g}"] for row in rows]
    lengths = [_plain(row["length_over_xi"], ".1f") for row in rows]
    print_table(
        "Rounds and success, measured beside the stationary theory   (* untrained)",
        ["field", "d", "p", "L/xi", "rounds", "theory", "z", "success", "fit", "z", "2nd"],
        [
            [*part, length, *compared_cells(row, "rounds"), *compared_cells(row, "success"), _second_order(row)]
            for part, length, row in zip(label, lengths, rows, strict=True)
        ],
    )
    print_table(
        "Segments and displacement, measured beside the stationary theory",
        ["field", "d", "p", "segments", "theory", "z", "|B'-B|", "theory", "z"],
        [
            [*part, *compared_cells(row, "segments"), *compared_cells(row, "displacement")]
            for part, row in zip(label, rows, strict=True)
        ],
    )
    print_responses(label, ["field", "d", "p"], rows)
    print_spheres([(one, row) for one, row in zip(label, rows, strict=True) if "xi_theory" in row])
    if noted := sum(bool(row["note"]) for row in rows):
        typer.echo(f"{noted} of {len(rows)} rows have a note on what does not hold there: column note of table.csv")


def print_responses(label: list[list[str]], names: list[str], rows: list[dict[str, Any]]) -> None:
    """Each pair by linear response of its own line: means, and how single pairs agree; nothing where no row has it."""
    if not any("response_rounds" in row for row in rows):
        return
    print_table(
        "Each pair predicted from its own line (linear response)",
        [*names, "rounds", "theory", "z", "equal", "+-1", "rank", "closed", "|B'-B|", "theory"],
        [
            [
                *part,
                *compared_cells(row, "rounds", "response"),
                *(_plain(row.get(name, math.nan), ".2f") for name in AGREEMENT),
                *(_plain(row.get(f"{one}_displacement", math.nan), ".3g") for one in ("measured", "response")),
            ]
            for part, row in zip(label, rows, strict=True)
        ],
    )


def print_spheres(rows: list[tuple[list[str], dict[str, Any]]]) -> None:
    """Networks on the sphere: L / xi by crossings and by theory, and the occupations at which theories say yes."""
    known = [(label, row) for label, row in rows if row["xi_theory"] == row["xi_theory"]]
    if not known:
        return
    print_table(
        "Networks on the sphere: occupation from which on theories say connected   (exactly: grids of S^2)",
        ["field", "d", "p", "sigma_w", "L/xi", "theory", "iid", "Euler", "finder", "success", "exactly"],
        [
            [
                *label,
                f"{row['sigma_w']:g}",
                *(_plain(row[name], ".1f") for name in ("length_over_xi", "length_over_xi_theory")),
                *(_plain(row[f"{name}_threshold"], ".2g") for name in ("iid", "euler", "finder")),
                *(_plain(row.get(name, math.nan), ".2f") for name in ("measured_success", "connected_grid")),
            ]
            for label, row in known
        ],
    )


AGREEMENT = ("response_exact", "response_within_one", "response_rank", "response_rank_closed")


def compared_cells(row: dict[str, Any], name: str, theory: str = "predicted") -> list[str]:
    """Measured, predicted and z of one quantity; theory: "predicted" by the stationary one, or "response".

    What a row of an older version lacks is not known.
    """
    z = f"z_{name}" if theory == "predicted" else f"z_response_{name}"
    columns = [f"measured_{name}", f"{theory}_{name}"]
    cells = [_short_error(row.get(one, math.nan), row.get(f"{one}_error", math.nan)) for one in columns]
    return [*cells, _plain(row.get(z, math.nan), "+.1f")]


def _short_error(value: float, error: float) -> str:
    if value != value:
        return "-"
    return with_error(value, error) if error == error and error > 1e-3 else f"{value:.3g}"


def _second_order(row: dict[str, Any]) -> str:
    """Success by second order at the cuts of linear response."""
    return _plain(row.get("second_order_success", math.nan), ".2f")


def _plain(value: float, form: str) -> str:
    return format(value, form) if value == value else "-"


def _short(row: dict[str, Any]) -> str:
    depth = f"-{row['depth']}" if row["depth"] else ""
    return row["field"].rpartition(":")[2] + depth + ("*" if row["training"] == "untrained" else "")
