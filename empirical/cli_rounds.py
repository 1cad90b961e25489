"""The command `percolation rounds`. torch loads only when it runs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolation import checks, files
from percolation.cli import parse_dimensions
from percolation.quantities import with_error
from percolation.terminal import Out, Seed, Workers, print_paths, print_table

if TYPE_CHECKING:
    from empirical.rounds import Case

FIELDS = ("gaussian",)


def rounds(
    field: Annotated[str | None, typer.Option(help="gaussian; without --field and --network: the whole plan.")] = None,
    network: Annotated[str | None, typer.Option(help="Instead, mlp, cnn1d, cnn or resnet18.")] = None,
    data: Annotated[str, typer.Option(help="Of a trained network, digits or mnist1d; none: random weights.")] = "none",
    dim: Annotated[str | None, typer.Option(help="Dimensions: 100, or 6,30,100, or 2..6.")] = None,
    depth: Annotated[str, typer.Option(help="Hidden layers of a random mlp: 3, or 1,3,10.")] = "3",
    occupation: Annotated[str, typer.Option(help="Share of open points: 0.5, or 0.3,0.5,0.9.")] = "0.5",
    length: Annotated[float, typer.Option(help="Of a line in a Gaussian field, in correlation lengths.")] = 30.0,
    margin: Annotated[float, typer.Option(help="How far below the level descents end, in standard deviations.")] = 0.5,
    pairs: Annotated[int, typer.Option(help="Pairs to connect in each case.")] = 60,
    quick: Annotated[bool, typer.Option("--quick", help="The whole plan in small: under a minute.")] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    out: Out = Path("results/rounds"),
) -> None:
    """Predict rounds, segments, displacement and success of the path finder from straight lines; measure; compare.

    Writes table.csv (a row a case), pairs.csv (a row a pair), run.json, rounds.pdf and rounds.png.
    """
    from empirical import plotting_rounds, rounds_plan
    from empirical import rounds as experiment
    from percolation.plotting import writers

    checks.seed(seed)
    checks.integer("workers", workers, at_least=0)
    if field is None and network is None:
        cases = rounds_plan.quick() if quick else rounds_plan.full(checks.integer("pairs", pairs, at_least=2))
    else:
        cases = _plan(field, network, data, dim, depth, occupation, length, margin, pairs)
    folder = checks.output_folder(out)
    began = time.perf_counter()
    walked = rounds_plan.walk_all(cases, seed=seed, workers=workers)
    table = experiment.table(walked)
    record = files.provenance(rounds_plan.parameters(cases), seed)
    record |= {"workers": workers, "seconds": time.perf_counter() - began}
    others = {"pairs.csv": files.csv(experiment.pair_table(walked))}
    others |= writers("rounds", plotting_rounds.rounds_figure(table))
    paths = files.write_run(folder, table, record, **others)
    print_rounds(table.to_dict("records"))
    print_paths(paths)


def print_rounds(rows: list[dict[str, Any]]) -> None:
    """The table in two parts that fit a terminal: rounds and success, segments and displacement, theory beside them."""
    label = [[_short(row), str(row["dimension"]), f"{row['occupation']:.3g}"] for row in rows]
    for title, names in (
        ("Rounds and success, measured beside predicted   (* untrained)", ("rounds", "success")),
        ("Segments and displacement |B'-B|, measured beside predicted   (* untrained)", ("segments", "displacement")),
    ):
        header = ["field", "d", "p", "L/xi", names[0], "theory", "z", names[1], "theory", "z"]
        body = [
            [
                *part,
                _plain(row["length_over_xi"], ".1f"),
                *(cell for name in names for cell in compared_cells(row, name)),
            ]
            for part, row in zip(label, rows, strict=True)
        ]
        print_table(title, header, body)
    for reason in dict.fromkeys(row["note"] for row in rows if row["note"]):
        typer.echo(f"- {reason}")


def compared_cells(row: dict[str, Any], name: str) -> list[str]:
    """Measured, predicted and z of one quantity."""
    cells = [_short_error(row[f"{one}_{name}"], row[f"{one}_{name}_error"]) for one in ("measured", "predicted")]
    return [*cells, _plain(row[f"z_{name}"], "+.1f")]


def _short_error(value: float, error: float) -> str:
    if value != value:
        return "-"
    return with_error(value, error) if error == error and error > 1e-3 else f"{value:.3g}"


def _plain(value: float, form: str) -> str:
    return format(value, form) if value == value else "-"


def _short(row: dict[str, Any]) -> str:
    depth = f"-{row['depth']}" if row["depth"] else ""
    return row["field"] + depth + ("*" if row["training"] == "untrained" else "")


def _plan(
    field: str | None,
    network: str | None,
    data: str,
    dim: str | None,
    depth: str,
    occupation: str,
    length: float,
    margin: float,
    pairs: int,
) -> "tuple[Case, ...]":
    from empirical import rounds_plan

    occupations, depths = _numbers("occupation", occupation), parse_dimensions(depth)
    if field is not None and network is not None:
        raise ValueError("a field or a network: give --field or --network, not both")
    if field is not None:
        checks.one_of("field", field, FIELDS)
        return rounds_plan.gaussian(parse_dimensions(dim or "100"), occupations, length, margin, pairs)
    assert network is not None  # the whole plan has neither
    dimensions = [None] if dim is None else parse_dimensions(dim)
    return rounds_plan.networks(network, data, dimensions, depths, occupations, margin, pairs)


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"cannot read the {name} {text!r}; expected 0.5, or 0.3,0.5,0.9") from None


# shown at the foot of `--help`
rounds.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation rounds   |   percolation rounds --field gaussian --dim 100 --occupation 0.5 --length 30 "
    "--margin 0.5 --pairs 200 --seed 1   |   percolation rounds --network mlp --data none --dim 784 --depth 1,3,10"
)
