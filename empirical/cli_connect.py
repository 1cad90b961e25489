"""The command `percolation connect`. torch loads only when it runs."""

import math
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from empirical.cli import print_comparison
from percolation import checks, files
from percolation.quantities import with_error
from percolation.terminal import Device, Out, Seed, print_paths, print_table, stages

if TYPE_CHECKING:
    import pandas as pd

    from empirical.architectures import Normalisation
    from empirical.certificate import Certificate
    from empirical.connections import Connections
    from empirical.modes import Search
    from empirical.objectives import Objective
    from empirical.pairs import Subject

THEORY_UP_TO = 4096  # numbers of an input for which the theories are asked too where nothing is said


def connect(
    network: Annotated[
        str,
        typer.Option(
            help="mlp, cnn1d, cnn, resnet18, resnet50, googlenet, vgg16, vit_b_16, efficientnet_lite0, or "
            "module:factory of your own: factory(shape, n_classes) or factory() -> torch.nn.Module."
        ),
    ] = "cnn1d",
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, mnist1d (default), pictures (shipped photographs), cifar10, cifar100, imagenet, or none."
        ),
    ] = None,
    space: Annotated[
        str,
        typer.Option(help="inputs, or parameters: networks trained from different seeds, default 3 pairs on digits."),
    ] = "inputs",
    folder: Annotated[
        Path | None, typer.Option(help="Where cifar10, cifar100 or imagenet lie; imagenet: a folder a class.")
    ] = None,
    training: Annotated[str, typer.Option(help="trained (on the data, or by its weights) or untrained.")] = "trained",
    weights: Annotated[str, typer.Option(help="random, imagenet, or a file with a state dict.")] = "random",
    mean: Annotated[
        str | None, typer.Option(help="Of each channel, which the weights' normalisation takes away: 0.5,0.5,0.5.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Of each channel, which it divides by.")] = None,
    pair: Annotated[
        str,
        typer.Option(help="natural-natural, natural-adversarial, interpolated, class-optimal, or diverse of those."),
    ] = "natural-natural",
    pairs: Annotated[int | None, typer.Option(help="Pairs to connect; default 50.")] = None,
    dim: Annotated[int | None, typer.Option(help="Input dimension; default: the data set's own.")] = None,
    classes: Annotated[int, typer.Option(help="Classes of a random network without a data set.")] = 10,
    label: Annotated[int | None, typer.Option("--class", help="Look at this class only.")] = None,
    lower_ends: Annotated[
        bool | None,
        typer.Option(help="Move natural inputs that the network knows down to --stop. Default: pictures only."),
    ] = None,
    step: Annotated[
        float | None, typer.Option(help="Of the search for class-optimal inputs, instead of usual.")
    ] = None,
    total_variation: Annotated[float, typer.Option(help="Weight of it in that search.")] = 0.0,
    weight_decay: Annotated[float | None, typer.Option(help="Of that search; default 1e-7.")] = None,
    bounds: Annotated[str | None, typer.Option(help="Of its points: 0,1. Pictures have them anyway.")] = None,
    robust: Annotated[int, typer.Option(help="Random shifts and sizes over which it averages the loss.")] = 0,
    lr: Annotated[
        float | None,
        typer.Option(help="Step of the finder at inputs of variance 1; default: the preset's or network's."),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="Procedure: default, fast, or the article's trained or untrained.")
    ] = "default",
    level: Annotated[
        float | None, typer.Option(help="Loss in nats at or below which an input is open; default 1e-3.")
    ] = None,
    stop: Annotated[float, typer.Option(help="Loss in nats at which an optimisation ends, below the level.")] = 5e-4,
    max_rounds: Annotated[int, typer.Option(help="Rounds after which a pair is given up.")] = 8,
    split: Annotated[str, typer.Option(help="Segments that a round cuts: failing, or all.")] = "failing",
    candidates: Annotated[int, typer.Option(help="Waypoints tried for each barrier.")] = 1,
    precision: Annotated[
        str, typer.Option(help="Of the coarse scan, which only ranks: float32, bfloat16, float16.")
    ] = "float32",
    seconds: Annotated[float | None, typer.Option("--time", help="Seconds of search, then pairs are given up.")] = None,
    evaluations: Annotated[int | None, typer.Option(help="Points to evaluate, then pairs are given up.")] = None,
    certify: Annotated[
        float | None, typer.Option(help="Bound the loss between grid points of each path to this many nats.")
    ] = None,
    save_paths: Annotated[bool, typer.Option(help="Write paths.npz and paths.json, for connections.load.")] = False,
    judge: Annotated[
        bool, typer.Option("--quality", help="Write quality.csv: length, angles, mean loss, |B'-B| of each path.")
    ] = False,
    theory: Annotated[
        bool | None,
        typer.Option(help="Ask the theories too, some 3,000 evaluations a pair. Default: up to 4096 numbers an input."),
    ] = None,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Taken for uniformity: one network is one task.")] = 1,
    device: Device = "cpu",
    out: Out = Path("results/connect"),
) -> None:
    """Connect pairs of low-loss inputs of one network, or pairs of trained networks, by paths of low loss.

    Writes table.csv (one row), pairs.csv (a row a pair) and run.json; of networks table.csv (a row a pair and path),
    profiles.csv, plane.npz, run.json and a figure.
    """
    if checks.one_of("space", space, ("inputs", "parameters")) == "parameters":
        _connect_parameters(network, data, pairs, dim, level, max_rounds, seed, workers, device, out)
        return
    from dataclasses import asdict, replace

    from empirical import architectures, connectivity, objectives
    from empirical.pairs import Subject
    from empirical.path_finder import PRESETS

    objectives.device(device)
    checks.integer("workers", workers, at_least=0)
    checks.seed(seed)
    if lr is not None:
        checks.positive("lr", lr)
    published = PRESETS[checks.one_of("preset", preset, PRESETS)]
    usual = architectures.find(network).finder_step if (training, preset) == ("untrained", "default") else None
    rule = replace(published.descent, stop=stop, lr=lr or usual or published.descent.lr)
    finder = replace(
        published,
        level=1e-3 if level is None else level,
        max_rounds=max_rounds,
        descent=rule,
        split=split,
        candidates=candidates,
        precision=precision,
        seconds=seconds,
        evaluations=evaluations,
    )
    data = "mnist1d" if data is None else data
    subject = Subject(
        network,
        data,
        training,
        pair,
        50 if pairs is None else pairs,
        dim,
        classes,
        weights=weights,
        folder=None if folder is None else str(folder),
        label=label,
        lower_ends=data == "pictures" and pair != "class-optimal" if lower_ends is None else lower_ends,
        normalisation=_normalisation(mean, std),
        search=_search(step, total_variation, weight_decay, bounds, robust),
    )
    ask = _asked(subject) if theory is None else theory
    if certify is not None:
        checks.positive("certify", certify)
    looked = Looked(finder.level, certify, judge, keep=save_paths)
    output = checks.output_folder(out)
    began = time.perf_counter()
    with stages() as report:
        measured = [
            connectivity.measure(
                subject, seed=seed, finder=finder, device=device, report=report, theory=ask, look=looked
            )
        ]
    table = connectivity.table(measured)
    record = files.provenance(asdict(subject) | {"preset": preset, "finder": asdict(finder), "theory": ask}, seed) | {
        "workers": workers,
        "device": device,
        "seconds": time.perf_counter() - began,
        "points": measured[0].counts,
        "cost": asdict(measured[0].cost),
    }
    pair_table = looked.beside(connectivity.pair_table(measured))
    paths = files.write_run(output, table, record, **{"pairs.csv": files.csv(pair_table)}, **looked.writers(record))
    if ask:
        print_comparison(table)
    else:
        _print_connected(table)
    if certify is not None:
        typer.echo(f"between grid points, to {certify:g} nats: {looked.verdicts()}\n")
    print_paths(paths)


def _connect_parameters(
    network: str,
    data: str | None,
    pairs: int | None,
    dim: int | None,
    level: float | None,
    max_rounds: int,
    seed: int,
    workers: int,
    device: str,
    out: Path,
) -> None:
    """The command in parameter space, whose usual data are digits."""
    from empirical.cli_parameters import connect_parameters

    connect_parameters(
        network,
        "mnist1d" if data is None and network == "cnn1d" else data or "digits",
        3 if pairs is None else pairs,
        dim,
        level,
        max_rounds,
        seed=seed,
        workers=workers,
        device=device,
        out=out,
    )


class Looked:
    """What the user asked for beside the table: certificates, quality, the paths themselves."""

    def __init__(self, level: float, tolerance: float | None, judge: bool, keep: bool) -> None:
        self.level, self.tolerance, self.judge, self.keep = level, tolerance, judge, keep
        self.certificates: list[Certificate] = []
        self.quality: pd.DataFrame | None = None
        self.found: Connections | None = None

    def __call__(self, objective: "Objective", found: "Connections") -> None:
        from empirical import quality
        from empirical.certificate import certify_many

        self.found = found
        if self.tolerance is not None:
            paths = [one.path for one in found]
            self.certificates = certify_many(
                objective, paths, list(range(len(found))), self.tolerance, level=self.level
            )
        if self.judge:
            self.quality = quality.table(objective, found)

    def beside(self, pairs: "pd.DataFrame") -> "pd.DataFrame":
        """The table of pairs with the certificates."""
        if not self.certificates:
            return pairs
        return pairs.assign(
            certified_bound=[one.bound for one in self.certificates],
            certificate=[one.verdict for one in self.certificates],
        )

    def verdicts(self) -> str:
        counts = Counter(one.verdict for one in self.certificates)
        return ", ".join(f"{n} paths {verdict}" for verdict, n in counts.items())

    def writers(self, record: dict[str, Any]) -> dict[str, files.Writer]:
        made: dict[str, files.Writer] = {}
        if self.quality is not None:
            made["quality.csv"] = files.csv(self.quality)
        if self.keep and self.found is not None:
            made |= self.found.writers("paths", record)
        return made


def _asked(subject: "Subject") -> bool:
    """Whether inputs are small enough for the theories to be asked unbidden."""
    from empirical import models

    dimension = subject.dimension
    if dimension is None and (subject.data in ("pictures", "imagenet") or subject.weights != "random"):
        return False
    if dimension is None and subject.data == "none":
        dimension = math.prod(models.input_shape(subject.network))
    return dimension is None or dimension <= THEORY_UP_TO


def _print_connected(table: "pd.DataFrame") -> None:
    """What was found, where no theory was asked."""
    row = table.iloc[0]
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


def _normalisation(mean: str | None, std: str | None) -> "Normalisation | None":
    from empirical.architectures import Normalisation

    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise ValueError("--mean and --std go together, got one of them")
    return Normalisation(_numbers("--mean", mean), _numbers("--std", std))


def _search(
    step: float | None, total_variation: float, weight_decay: float | None, bounds: str | None, robust: int
) -> "Search":
    from empirical.modes import Search, Transformed

    if step is not None:
        checks.positive("step", step)
    limits = None if bounds is None else _numbers("--bounds", bounds)
    if limits is not None and (len(limits) != 2 or not limits[0] < limits[1]):
        raise ValueError(f"--bounds takes two numbers, the lower first, got {bounds!r}; try 0,1")
    several = Transformed(robust) if checks.integer("robust", robust, at_least=0) else None
    pair = None if limits is None else (limits[0], limits[1])
    return Search(step, total_variation, weight_decay, pair, several)


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(checks.finite(name, float(part)) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"{name} takes numbers with commas between, got {text!r}") from error


# shown at the foot of `--help`
connect.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation connect --network cnn1d --data mnist1d --pair natural-adversarial --pairs 50   |   "
    "percolation connect --network resnet18 --data none --training untrained --pair class-optimal --pairs 6   |   "
    "percolation connect --network efficientnet_lite0 --weights imagenet --data pictures --pairs 2   |   "
    "percolation connect --space parameters --network cnn --data digits"
)
