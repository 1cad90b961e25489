"""The command `percolation barriers`. torch loads only when it runs."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from empirical.experiments import options
from percolation import checks, files
from percolation.long_runs import DryRun, LongRun, Resume, StoreFile
from percolation.terminal import Device, Out, Run, Seed, announce, loading, print_notes, print_paths, stages

if TYPE_CHECKING:
    import pandas as pd

    from empirical.experiments.barriers.measure import Plan

DEFAULT_NETWORKS = (("cnn", "digits"), ("cnn1d", "mnist1d"))  # networks and data where nothing is said
MOST_NETWORKS = 1000  # each is trained
NETWORKS = 3  # of each kind, from as many seeds; they see the same images, in other pairs
PAIRS = 50  # of each class and kind, if there are so many inputs: all that the test set of mnist1d has
FORMATS = ("csv", "parquet")
SMALL, SECONDS_A_PAIR = ("mlp", "cnn", "cnn1d"), 0.025  # measured on digits and mnist1d, training included


def barriers(
    network: Annotated[
        str | None, typer.Option(help="As in connect; default: cnn on digits, then cnn1d on mnist1d.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="digits, mnist1d, pictures (shipped), cifar10, cifar100, imagenet or folder.")
    ] = None,
    folder: options.Folder = None,
    size: options.Size = None,
    weights: Annotated[str, typer.Option(help="random (then trained on the data), imagenet, or a file.")] = "random",
    mean: options.Mean = None,
    std: options.Std = None,
    pairs: Annotated[
        int | None, typer.Option(help="Pairs of each class and kind, if it has as many inputs; default 50.")
    ] = None,
    kinds: Annotated[
        str, typer.Option(help="natural-adversarial,natural-fooling,across-classes,natural-noise, or some of them.")
    ] = "all",
    networks: Annotated[
        int | None, typer.Option(help="Trained from as many seeds, seed and on; default 3, 1 with --weights.")
    ] = None,
    classes: Annotated[int | None, typer.Option(help="How many classes, from the first; default all.")] = None,
    label: Annotated[int | None, typer.Option("--class", help="Look at this class only.")] = None,
    dim: Annotated[int | None, typer.Option(help="Input dimension; default: the data set's own.")] = None,
    low_ends: Annotated[
        bool,
        typer.Option(help="Only natural inputs at or below --stop. Default: all that the network is sure of (ln 2)."),
    ] = False,
    level: Annotated[float, typer.Option(help="Loss in nats at or below which an input is open.")] = 1e-3,
    stop: Annotated[float, typer.Option(help="Loss in nats to which ends and barriers are moved.")] = 5e-4,
    max_rounds: Annotated[int, typer.Option(help="Rounds after which a pair is given up.")] = 8,
    table: Annotated[
        str | None, typer.Option(help="Read barriers instead: 'published' (ships with this), or a file like it.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="Of the pairs: csv, or parquet beside it.")] = "csv",
    quick: Annotated[bool, typer.Option("--quick", help="5 pairs and one network, unless said: a minute.")] = False,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Taken for uniformity: classes are done in turn.")] = 1,
    device: Device = "cpu",
    store: StoreFile = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    out: Out = Path("results/barriers"),
) -> None:
    """Are straight lines to adversarial partners higher than lines within a class? Five kinds of pairs, many of each.

    Writes table.csv (a row a network and kind), pairs.csv (a row a pair), run.json, barriers.pdf and barriers.png. A
    run that was killed goes on where it was when the same command is given again.
    """
    with loading("barriers", "about 6 min, 1 with --quick"):
        from empirical.data.tensors import Normalisation
        from empirical.ends.subject import DATA, Subject
        from empirical.finder.find import PRESETS
        from empirical.losses import objectives

    checks.one_of("format", format_, FORMATS)
    if format_ == "parquet" and find_spec("pyarrow") is None:
        raise ValueError("parquet is written by pyarrow, which is not installed: pip install pyarrow, or --format csv")
    if table is not None:
        if network or data or folder:
            raise ValueError("--table is read instead of measuring, leave --network, --data and --folder out")
        from empirical.experiments.barriers import published

        read = published.published() if table == "published" else published.read(table)
        name = "GoogLeNet, ImageNet (published)" if table == "published" else Path(table).name
        _finish({name: read}, {"table": table}, Run.begin(out, seed=seed, workers=workers), format_)
        return
    if data is not None:
        checks.one_of("data set", data, DATA)
    chosen = (
        DEFAULT_NETWORKS
        if network is None and data is None
        else ((network or _network_for(data), data or _data_for(network)),)
    )
    finder = _finder(PRESETS["default"], level, stop, max_rounds)
    plans = [
        _plan(
            Subject(
                *one,
                "trained",
                "natural-natural",
                (options.QUICK_PAIRS if quick else PAIRS) if pairs is None else pairs,
                dim,
                weights=weights,
                folder=None if folder is None else str(folder),
                label=label,
                lower_ends=not low_ends,
                normalisation=Normalisation.of_options(mean, std),
                size=size,
            ),
            kinds,
            classes,
            finder,
        )
        for one in chosen
    ]
    several = checks.integer(
        "networks",
        (NETWORKS if weights == "random" and not quick else 1) if networks is None else networks,
        at_least=1,
        at_most=MOST_NETWORKS,
    )
    if several > 1 and weights != "random":
        raise ValueError(f"weights that are given make one network, got networks={several}; leave --networks out")
    long = LongRun("barriers", out, store, resume, dry_run)
    objectives.device(device)
    if not dry_run:
        _announce(plans, several)
    _measure(plans, several, Run.begin(out, seed=seed, workers=workers, device=device, dry_run=dry_run), long, format_)


def _announce(plans: "list[Plan]", n_networks: int) -> None:
    """What is done, and about how long where the networks are small ones trained here."""
    from empirical.data import offline

    small = all(plan.subject.data in offline.NAMES and plan.subject.network in SMALL for plan in plans)
    for plan in plans * small:
        offline.checked(plan.subject.data, plan.subject.dimension)
    n_kinds = len(plans[0].kinds)
    of_each = f"{n_kinds} kinds of pairs, up to {plans[0].subject.pairs} of each class and kind"
    networks = ", ".join(f"{plan.subject.network} on {plan.subject.data}" for plan in plans)
    n_classes = [10 if plan.subject.label is None else 1 for plan in plans]
    n_pairs = (
        n_networks
        * n_kinds
        * sum((plan.n_classes or n) * plan.subject.pairs for plan, n in zip(plans, n_classes, strict=True))
    )
    announce(f"{networks}, {n_networks} of each: {of_each}", SECONDS_A_PAIR * n_pairs / 60 if small else None)


def _measure(plans: "list[Plan]", n_networks: int, run: Run, long: LongRun, format_: str) -> None:
    tables = long(lambda: _tables(plans, n_networks, run))
    _finish(tables, {"plans": [asdict(plan) for plan in plans], "networks": n_networks}, run, format_)


def _tables(plans: "list[Plan]", n_networks: int, run: Run) -> "dict[str, pd.DataFrame]":
    """The pairs of each plan, of as many networks."""
    import pandas as pd

    from empirical.experiments.barriers.measure import measure_barriers
    from percolation import runs

    def measured(plan: "Plan", seed: int) -> pd.DataFrame:
        told = _group_counter(report, f"{_name(plan)}, seed {seed}")
        found = measure_barriers(plan, seed=seed, device=run.conditions["device"], report=told)
        print_notes(found.attrs.pop("notes", []))
        return found.assign(seed=seed)[["seed", *found]]

    cases = [(plan, seed) for plan in plans for seed in range(run.seed, run.seed + n_networks)]
    with stages() as report:
        found = runs.independent(*(partial(measured, *case) for case in cases))
    parts: dict[str, list[pd.DataFrame]] = {}
    for (plan, _), one in zip(cases, found, strict=True):
        parts.setdefault(_name(plan), []).append(one)
    return {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}


def _name(plan: "Plan") -> str:
    return f"{plan.subject.network}, {plan.subject.data}"


def _group_counter(report: Callable[[str], None], name: str) -> Callable[[int, int], None]:
    return lambda done, chunks: report(f"{name}: {done} of {chunks} groups of classes")


def _finish(tables: "dict[str, pd.DataFrame]", parameters: dict[str, Any], run: Run, format_: str) -> None:
    """Summarise, draw, write and print."""
    import pandas as pd

    from empirical.experiments.barriers.figure import barriers_figure
    from empirical.experiments.barriers.printed import print_barriers
    from empirical.experiments.barriers.statistics import summary
    from percolation.intervals import CONFIDENCE
    from percolation.plotting import writers

    summaries = {name: summary(table) for name, table in tables.items()}
    for name, found in summaries.items():
        found.insert(0, "network", name)
    whole = pd.concat([table.assign(network=name)[["network", *table]] for name, table in tables.items()])
    record = run.record(parameters | {"confidence": CONFIDENCE})
    others = {"pairs.csv": files.csv(whole)} | writers("barriers", barriers_figure(tables))
    if format_ == "parquet":
        others["pairs.parquet"] = lambda path: whole.to_parquet(path, index=False)
    paths = run.write(pd.concat(list(summaries.values())), record, **others)
    for name, found in summaries.items():
        print_barriers(name, found)
    print_paths(paths)


def _plan(subject: Any, kinds: str, classes: int | None, finder: Any) -> "Plan":
    from empirical.experiments.barriers.ends import KINDS
    from empirical.experiments.barriers.measure import Plan

    chosen = KINDS if kinds == "all" else tuple(part.strip() for part in kinds.split(","))
    return Plan(subject, chosen, classes, finder)


def _finder(usual: Any, level: float, stop: float, max_rounds: int) -> Any:
    from dataclasses import replace

    return replace(usual, level=level, max_rounds=max_rounds, descent=replace(usual.descent, stop=stop))


def _network_for(data: str | None) -> str:
    """The usual network for the data."""
    return {"mnist1d": "cnn1d", "pictures": "efficientnet_lite0"}.get(data or "", "cnn")


def _data_for(network: str | None) -> str:
    """The usual data for the network."""
    return "mnist1d" if network == "cnn1d" else "digits"


# shown at the foot of `--help`
barriers.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation barriers   |   percolation barriers --network cnn1d --data mnist1d --pairs 10   |   "
    "percolation barriers --table published   |   percolation barriers --network efficientnet_lite0 --weights imagenet "
    "--data pictures --pairs 5   |   percolation barriers --network googlenet --weights imagenet --data imagenet "
    "--folder DIR --pairs 5"
)
