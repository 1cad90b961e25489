"""The command `percolation phase`. torch loads only when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolation import checks
from percolation.long_runs import DryRun, LocalCluster, LongRun, Resume, Scheduler, StoreFile
from percolation.terminal import Out, Run, Seed, Workers, print_paths, print_table, ranges

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 999_999  # dimension or number of classes
# dimensions, classes and pairs of the full diagram and of the quick one
DEFAULT_GRIDS = {False: ("2..64", "2,10,50,200", 40), True: ("2,3,5,8,32", "2,10", 6)}


def phase(
    dim: Annotated[
        str | None,
        typer.Option(
            help="Dimensions: 2,3,8 takes each; 2..64, the default, takes 2 3 4 5 6 8 12 16 24 ... within it."
        ),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Numbers of classes C, written alike; default 2,10,50,200.")
    ] = None,
    field: Annotated[str, typer.Option(help="smooth, iid, network, or all of them.")] = "all",
    pairs: Annotated[
        int | None, typer.Option(help="Pairs of the path finder in each cell of the diagram; default 40.")
    ] = None,
    length: Annotated[
        float, typer.Option(help="Distance of a pair: in correlation lengths (smooth) or cells (iid).")
    ] = 10.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small grids; unless given, few d and C, and 6 pairs.")
    ] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    store: StoreFile = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    scheduler: Scheduler = None,
    local_cluster: LocalCluster = None,
    out: Out = Path("results/phase"),
) -> None:
    """Dimension against number of classes: when are two points of one class connected?

    On grids exactly (d = 2..5), and by the path finder, in smooth fields, independent cells and random networks.
    Writes table.csv (a row a field x dimension x C), run.json, phase.pdf and phase.png.
    """
    from empirical.experiments.phase import measure
    from empirical.experiments.phase.figure import phase_figure
    from percolation.plotting import writers

    checks.one_of("field", field, (*measure.FIELDS, "all"))
    usual_dim, usual_classes, usual_pairs = DEFAULT_GRIDS[quick]
    plan = measure.Plan(
        dimensions=numbers("dim", usual_dim if dim is None else dim),
        classes=numbers("classes", usual_classes if classes is None else classes),
        fields=measure.FIELDS if field == "all" else (field,),
        pairs=usual_pairs if pairs is None else pairs,
        length=length,
        grid_pairs=40 if quick else 100,
        quick=quick,
    )
    long = LongRun("phase", out, store, resume, dry_run, scheduler, local_cluster)
    run = Run.begin(out, seed=seed, workers=workers, dry_run=dry_run)
    table = long(lambda: measure.measure_phase(plan, seed=seed, workers=workers))
    record = run.record(measure.parameters(plan))
    paths = run.write(table, record, **writers("phase", phase_figure(table)))
    print_phase(table)
    print_paths(paths)


def numbers(name: str, text: str) -> tuple[int, ...]:
    """'2,10,50' as it stands; '2..64' as the ladder of about even steps on a log scale; or a mixture."""
    from empirical.experiments.phase.measure import ladder

    found: list[int] = []
    refusal = f"cannot read {name} {text!r}; expected 10, or 2,10,50, or 2..64"
    for low, high in ranges(text, refusal):
        if not low <= (low if high is None else high) <= LARGEST:
            raise ValueError(refusal)
        found += [low] if high is None else ladder(low, high)
    return tuple(dict.fromkeys(found))


def print_phase(table: "pd.DataFrame") -> None:
    """The table in two parts that fit a terminal: what was measured, and how two theories fared."""
    rows = table.to_dict("records")
    label = [[r["field"], str(r["dimension"]), str(r["classes"])] for r in rows]
    print_table(
        "Share of same-class pairs connected; not found proves nothing",
        ["field", "d", "C", "p", "grid", "95 %", "cut", "n", "found", "95 %", "not f.", "none"],
        [
            [
                *part,
                f"{r['occupation']:.3f}",
                *_share(r, "connected_grid"),
                f"{r['disconnected_grid']:.2f}" if r["grid_pairs"] else "-",
                str(r["pairs"]),
                *_share(r, "found"),
                f"{r['not_found']:.2f}" if r["found"] == r["found"] else "-",
                str(r["ends_not_made"]),
            ]
            for part, r in zip(label, rows, strict=True)
        ],
    )
    print_table(
        "Theory: is p above the threshold?   (* zero of the Euler characteristic, an estimate)",
        ["field", "d", "C", "p", "p_c", "iid", "smooth", "decided by", "verdict iid", "verdict smooth"],
        [
            [
                *part,
                f"{r['occupation']:.3f}",
                f"{r['p_c']:.2g}",
                "yes" if r["iid_predicts"] else "no",
                f"{r['smooth_threshold']:.1g}" + "*" * (r["smooth_threshold_is"] == "estimate"),
                r["decided_by"],
                r["iid_verdict"],
                r["smooth_verdict"],
            ]
            for part, r in zip(label, rows, strict=True)
        ],
    )


def _share(row: dict[str, Any], name: str) -> tuple[str, str]:
    """A share and its interval, or dashes."""
    if row[name] != row[name]:
        return "-", "-"
    return f"{row[name]:.2f}", f"{row[f'{name}_low']:.2f}..{row[f'{name}_high']:.2f}"


# shown at the foot of `--help`
phase.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation phase --dim 2..64 --classes 2,10,50,200   |   percolation phase --field smooth "
    "--dim 2..256 --classes 2..1000 --pairs 50   |   percolation phase --quick --out results/quick"
)
