"""The command `percolation rounds`. torch loads only when it runs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from empirical.experiments.rounds.printed import print_rounds
from percolation import checks, files
from percolation.long_runs import DryRun, LocalCluster, LongRun, Resume, Scheduler, StoreFile
from percolation.terminal import Device, Out, Run, Seed, Workers, loading, parse_dimensions, print_notes, print_paths

if TYPE_CHECKING:
    from empirical.experiments.rounds.measure import Case

FIELDS = ("gaussian",)
QUICK_PAIRS = 16


def rounds(
    field: Annotated[str | None, typer.Option(help="gaussian; without --field and --network: the whole plan.")] = None,
    network: Annotated[
        str | None, typer.Option(help="Instead, mlp, cnn1d, cnn, resnet18 or module:factory; or tanh, erf, sin.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Of a trained network, digits or mnist1d; none, the default: random weights.")
    ] = None,
    pair: Annotated[
        str | None,
        typer.Option(help="Of a trained network: natural-natural, the default, natural-adversarial or class-optimal."),
    ] = None,
    dim: Annotated[str | None, typer.Option(help="Dimensions: 100, or 6,30,100, or 2..6.")] = None,
    depth: Annotated[
        str | None,
        typer.Option(help="Hidden layers of a random mlp, default 3, or of tanh, erf, sin, default 8: 1,3,10."),
    ] = None,
    sigma_w: Annotated[
        str | None, typer.Option(help="Of tanh, erf, sin: weights have variance sigma_w^2 / fan-in; 2,3, default 3.")
    ] = None,
    sphere: Annotated[
        bool, typer.Option("--sphere", help="Project the inputs of a random network to the sphere |x|^2 = d.")
    ] = False,
    networks: Annotated[
        int | None,
        typer.Option(help="Of tanh, erf, sin: networks that the pairs are spread over; default one a pair."),
    ] = None,
    occupation: Annotated[
        str | None, typer.Option(help="Share of open points: 0.5, or 0.3,0.5,0.9. Trained networks have their own.")
    ] = None,
    length: Annotated[
        float | None, typer.Option(help="Of a line in a Gaussian field, in correlation lengths; default 30.")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="How far below the level descents end, in standard deviations; default 0.5."),
    ] = None,
    steps: Annotated[
        str, typer.Option(help="Descent that is measured: steepest, of which theory speaks, or adam.")
    ] = "steepest",
    pairs: Annotated[int | None, typer.Option(help="Pairs to connect in each case; default 60.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="16 pairs, and the whole plan in small: under a minute.")
    ] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    device: Device = "cpu",
    store: StoreFile = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    scheduler: Scheduler = None,
    local_cluster: LocalCluster = None,
    out: Out = Path("results/rounds"),
) -> None:
    """Predict rounds, segments, displacement and success of the path finder from straight lines; measure; compare.

    Writes table.csv (a row a case), pairs.csv (a row a pair), run.json, rounds.pdf and rounds.png.
    """
    with loading("rounds"):
        from empirical.experiments.rounds import plan
        from empirical.experiments.rounds.figure import rounds_figure
        from empirical.experiments.rounds.measure import rounds_pairs, rounds_table
        from empirical.losses import objectives
        from percolation.plotting import writers

    objectives.device(device)
    given = {
        "data": data,
        "pair": pair,
        "dim": dim,
        "depth": depth,
        "sigma_w": sigma_w,
        "sphere": sphere or None,
        "networks": networks,
        "occupation": occupation,
        "length": length,
        "margin": margin,
        "pairs": pairs,
    }
    cases = _cases(field, network, quick=quick, **{name: value for name, value in given.items() if value is not None})
    cases = tuple(replace(case, steps=steps) for case in cases)
    long = LongRun("rounds", out, store, resume, dry_run, scheduler, local_cluster)
    run = Run.begin(out, seed=seed, workers=workers, device=device, dry_run=dry_run)
    walked = long(lambda: plan.walk_all(cases, seed=seed, workers=workers, device=device))
    table = rounds_table(walked)
    notes = print_notes(note for one in walked for note in one.notes)
    record = run.record(plan.parameters(cases), notes=notes)
    others = {"pairs.csv": files.csv(rounds_pairs(walked))}
    others |= writers("rounds", rounds_figure(table))
    paths = run.write(table, record, **others)
    print_rounds(table.to_dict("records"))
    print_paths(paths)


def _cases(field: str | None, network: str | None, *, quick: bool = False, **given: Any) -> "tuple[Case, ...]":
    """The cases that the options ask for; an option without effect is refused."""
    from empirical.experiments.rounds import plan
    from empirical.networks import wide
    from empirical.networks.architectures import ARCHITECTURES

    if field is not None and network is not None:
        raise ValueError("a field or a network: give --field or --network, not both")
    pairs = checks.integer("pairs", given.get("pairs", QUICK_PAIRS if quick else 60), at_least=2)
    dimensions = parse_dimensions(given["dim"]) if "dim" in given else None
    occupations, margin = _numbers("occupation", given.get("occupation", "0.5")), given.get("margin", 0.5)
    if field is not None:
        checks.one_of("field", field, FIELDS)
        _only("--field", given, "dim", "occupation", "length", "margin", "pairs")
        return plan.gaussian(dimensions or [100], occupations, given.get("length", 30.0), margin, pairs)
    if network is None:
        _only("the whole plan", given, "pairs")
        return plan.quick(pairs) if quick else plan.full(pairs)
    if given.get("data", "none") != "none":
        _only("a trained network", given, "data", "pair", "dim", "pairs")
        kind = {"pair": given["pair"]} if "pair" in given else {}
        return plan.trained(network, given["data"], dimensions or [None], pairs, **kind)
    sphere, known = given.get("sphere", False), ("data", "dim", "occupation", "margin", "pairs", "sphere")
    if network in wide.FUNCTIONS:
        _only("a random network", given, *known, "depth", "sigma_w", "networks")
        return plan.network_fields(
            network,
            dimensions or [ARCHITECTURES[network].dimension],
            parse_dimensions(given.get("depth", str(wide.DEPTH))),
            _numbers("sigma_w", given.get("sigma_w", str(wide.SIGMA_W))),
            occupations,
            margin,
            pairs,
            sphere=sphere,
            networks=given.get("networks"),
        )
    _only("a random network", given, *known, *["depth"] * (network == "mlp"))
    depths = parse_dimensions(given.get("depth", "3"))
    return plan.random(network, dimensions or [None], depths, occupations, margin, pairs, sphere)


def _only(what: str, given: dict[str, Any], *known: str) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"--{name.replace('_', '-')} has no effect on {what}; leave it out, or see --help")


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"cannot read the {name} {text!r}; expected numbers like 0.5, or 0.3,0.5,0.9") from None


rounds.instead = dict.fromkeys(  # type: ignore[attr-defined]
    ("--weights", "--mean", "--std", "--folder", "--size"), "percolation connect predicts the rounds of such a network"
)
# shown at the foot of `--help`
rounds.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation rounds   |   percolation rounds --field gaussian --dim 100 --occupation 0.5 --length 30 "
    "--margin 0.5 --pairs 200 --seed 1   |   percolation rounds --network mlp --data none --dim 784 --depth 1,3,10   "
    "|   percolation rounds --network cnn1d --data mnist1d --pair natural-adversarial --dim 40 --pairs 60   "
    "|   percolation rounds --network tanh --sigma-w 3 --depth 8 --sphere --dim 8,12,24 --occupation 0.5,0.1,0.01"
)
