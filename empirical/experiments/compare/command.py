"""The command `percolation compare`. torch loads only when it runs."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from empirical.experiments import options
from empirical.experiments.connect.printed import print_comparison
from percolation import files
from percolation.long_runs import DryRun, LocalCluster, LongRun, Resume, Scheduler, StoreFile
from percolation.terminal import Device, Out, Run, Seed, Workers, loading, print_paths


def compare(
    quick: Annotated[bool, typer.Option("--quick", help="Few pairs, few networks: under a minute.")] = False,
    pairs: Annotated[
        int | None, typer.Option(help="Pairs of each kind and field, instead of 6 to 50, with --quick 12 to 16.")
    ] = None,
    scan: options.Scan = None,
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
    with loading("compare", "about 3 min, half a minute with --quick"):
        from empirical.experiments.compare import measure
        from empirical.experiments.compare.figure import comparison_figure
        from empirical.experiments.connect.measure import connectivity_pairs, connectivity_table
        from empirical.experiments.rounds.measure import rounds_table
        from empirical.finder.find import PRESETS
        from empirical.losses import objectives
        from percolation.plotting import writers

    objectives.device(device)
    long = LongRun("compare", out, store, resume, dry_run, scheduler, local_cluster)
    run = Run.begin(out, seed=seed, workers=workers, device=device, dry_run=dry_run)
    finder = PRESETS["default"] if scan is None else replace(PRESETS["default"], scan=scan)
    plan = measure.quick() if quick else measure.full()
    if pairs is not None:
        plan = plan.of_pairs(pairs)
    done = long(lambda: measure.compare(plan, seed=seed, workers=workers, device=device, finder=finder))
    table = connectivity_table(done.measured)
    record = run.record(
        measure.parameters(plan, finder),
        seconds=done.seconds,
        skipped=done.skipped,
        points=[one.about | one.counts for one in done.measured],
        thresholds=done.scan.table().to_dict("records"),
    )
    others = {
        "pairs.csv": files.csv(connectivity_pairs(done.measured)),
        "fields.csv": files.csv(rounds_table(done.fields)),
    }
    others |= writers("compare", comparison_figure(done, finder.level))
    paths = run.write(table, record, **others)
    print_comparison(table)
    for reason in done.skipped:
        typer.echo(f"skipped: {reason}")
    print_paths(paths)


compare.instead = {"--network": "percolation connect takes a network of yours"}  # type: ignore[attr-defined]
# shown at the foot of `--help`
compare.epilog = "Examples:  percolation compare   |   percolation compare --quick --seed 7 --out results/quick"  # type: ignore[attr-defined]
