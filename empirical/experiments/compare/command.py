"""The command `percolation compare`, and the table that `percolation connect` prints too. torch loads as it runs."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from empirical.experiments.rounds.command import compared_cells
from percolation import files
from percolation.long_runs import DryRun, LocalCluster, LongRun, Resume, Scheduler, StoreFile
from percolation.quantities import with_error
from percolation.terminal import Device, Out, Run, Seed, Workers, print_paths, print_table

if TYPE_CHECKING:
    import pandas as pd


def compare(
    quick: Annotated[bool, typer.Option("--quick", help="Few pairs, few networks: under a minute.")] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    device: Device = "cpu",
    store: StoreFile = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    scheduler: Scheduler = None,
    local_cluster: LocalCluster = None,
    out: Out = Path("results/compare"),
) -> None:
    """Do thresholds predicted by theory say when a network's low-loss inputs are connected?

    Writes table.csv (a row a network x dimension x pair kind), pairs.csv (a row a pair), fields.csv (a row a Gaussian
    field), run.json, compare.pdf and compare.png.
    """
    from empirical.experiments.compare import figure as plotting
    from empirical.experiments.compare import measure as comparison
    from empirical.experiments.connect import measure as connectivity
    from empirical.experiments.rounds import measure as rounds
    from empirical.finder.find import PRESETS
    from empirical.losses import objectives
    from percolation.plotting import writers

    objectives.device(device)
    long = LongRun("compare", out, store, resume, dry_run, scheduler, local_cluster)
    run = Run.begin(out, seed=seed, workers=workers, device=device, dry_run=dry_run)
    finder = PRESETS["default"]
    plan = comparison.quick() if quick else comparison.full()
    done = long(lambda: comparison.compare(plan, seed=seed, workers=workers, device=device, finder=finder))
    table = connectivity.table(done.measured)
    record = run.record(
        comparison.parameters(plan, finder),
        seconds=done.seconds,
        skipped=done.skipped,
        points=[vars(one.subject) | one.counts for one in done.measured],
        thresholds=done.scan.table().to_dict("records"),
    )
    others = {
        "pairs.csv": files.csv(connectivity.pair_table(done.measured)),
        "fields.csv": files.csv(rounds.table(done.fields)),
    }
    others |= writers("compare", plotting.comparison_figure(done, finder.level))
    paths = run.write(table, record, **others)
    print_comparison(table)
    for reason in done.skipped:
        typer.echo(f"skipped: {reason}")
    print_paths(paths)


def print_comparison(table: "pd.DataFrame") -> None:
    """The table in three parts that fit a terminal: percolation's prediction, the paths, the theory of the finder."""
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
    print_table(
        "Theory of the finder, predicted from the straight lines, beside what it did",
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


SHORT_PAIRS = {"natural-natural": "nat-nat", "natural-adversarial": "nat-adv", "class-optimal": "optimal"}


def _short_network(row: dict[str, Any]) -> str:
    return row["network"] + ("*" if row["training"] == "untrained" else "")


def _compact(value: float) -> str:
    """Two digits, one below a thousandth: 0.26, 5e-4."""
    if math.isnan(value):
        return "-"
    return f"{value:.2g}" if value >= 1e-3 else f"{value:.0e}".replace("e-0", "e-")


# shown at the foot of `--help`
compare.epilog = "Examples:  percolation compare   |   percolation compare --quick --seed 7 --out results/quick"  # type: ignore[attr-defined]
