"""The command `percolation connect`. torch loads only when it runs."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from empirical.experiments import options
from empirical.experiments.connect.printed import print_comparison, print_connected
from percolation import checks, files
from percolation.terminal import Device, Out, Run, Seed, loading, print_notes, print_paths, stages

if TYPE_CHECKING:
    from empirical.ends.subject import Subject
    from empirical.experiments.connect.examination import Examination
    from empirical.finder.settings import Finder


def connect(
    network: options.Network = "cnn1d",
    data: options.Data = None,
    space: options.Space = "inputs",
    folder: options.Folder = None,
    size: options.Size = None,
    training: options.Training = "trained",
    weights: options.Weights = "random",
    mean: options.Mean = None,
    std: options.Std = None,
    pair: options.PairKind = "natural-natural",
    pairs: options.Pairs = None,
    dim: options.InputDimension = None,
    classes: options.Classes = 10,
    sphere: options.Sphere = False,
    label: options.OnlyClass = None,
    lower_ends: options.LowerEnds = None,
    step: options.SearchStep = None,
    total_variation: options.TotalVariation = 0.0,
    weight_decay: options.WeightDecay = None,
    bounds: options.Bounds = None,
    robust: options.Robust = 0,
    lr: options.FinderStep = None,
    preset: options.Preset = "default",
    level: options.Level = None,
    stop: options.Stop = 5e-4,
    max_rounds: options.MaxRounds = 8,
    split: options.Split = "failing",
    candidates: options.Candidates = 1,
    scan: options.Scan = None,
    plan: options.Plan = "none",
    precision: options.Precision = "float32",
    seconds: options.Seconds = None,
    evaluations: options.Evaluations = None,
    certify: options.Certify = None,
    save_paths: options.SavePaths = False,
    judge: options.Quality = False,
    theory: options.Theory = None,
    quick: options.Quick = False,
    seed: Seed = 0,
    workers: options.OneWorker = 1,
    device: Device = "cpu",
    out: Out = Path("results/connect"),
) -> None:
    """Connect pairs of low-loss inputs of one network, or pairs of trained networks, by paths of low loss.

    Writes table.csv (one row), pairs.csv (a row a pair) and run.json; of networks table.csv (a row a pair and path),
    profiles.csv, plane.npz, run.json and a figure.
    """
    if checks.one_of("space", space, ("inputs", "parameters")) == "parameters":
        from empirical.experiments.weights.command import connect_parameters

        few = 1 if quick and pairs is None else pairs
        connect_parameters(
            network, data, few, dim, level, max_rounds, seed=seed, workers=workers, device=device, out=out
        )
        return
    with loading("connect"):
        from empirical.data.tensors import Normalisation
        from empirical.experiments.connect import plan as wanted
        from empirical.experiments.connect.examination import Examination
        from empirical.experiments.connect.measure import PLANS
        from empirical.losses import objectives

    objectives.device(device)
    checks.one_of("plan", plan, PLANS)
    finder = wanted.finder(
        network,
        training,
        preset,
        lr=lr,
        stop=stop,
        level=level,
        max_rounds=max_rounds,
        split=split,
        candidates=candidates,
        **({} if scan is None else {"scan": scan}),
        precision=precision,
        seconds=seconds,
        evaluations=evaluations,
    )
    subject = wanted.subject(
        network,
        data,
        training,
        pair,
        options.QUICK_PAIRS if quick and pairs is None else pairs,
        dimension=dim,
        classes=classes,
        weights=weights,
        folder=folder,
        size=size,
        sphere=sphere,
        label=label,
        lower_ends=lower_ends,
        normalisation=Normalisation.of_options(mean, std),
        search=wanted.search(step, total_variation, weight_decay, bounds, robust),
    )
    ask = wanted.asks_theory(subject) if theory is None else theory
    examination = Examination(finder.level, certify, judge, keep=save_paths)
    run = Run.begin(out, seed=seed, workers=workers, device=device)
    connect_inputs(subject, finder, preset, ask, examination, run, plan)


def connect_inputs(
    subject: "Subject",
    finder: "Finder",
    preset: str,
    ask: bool,
    examination: "Examination",
    run: Run,
    plan: str = "none",
) -> None:
    """Connect the pairs, write the files, print the table. ask: the theories too. plan: of the paths."""
    from empirical.experiments.connect.measure import connectivity_pairs, connectivity_table, measure_subject

    device = run.conditions["device"]
    with stages() as report:
        how = {"theory": ask, "plan": plan, "refuse": examination.refuse, "examine": examination}
        measured = measure_subject(subject, seed=run.seed, finder=finder, device=device, report=report, **how)
    table = connectivity_table([measured])
    parameters = asdict(subject) | {"preset": preset, "finder": asdict(finder), "theory": ask, "plan": plan}
    record = run.record(parameters, points=measured.counts, cost=asdict(measured.cost), notes=measured.notes)
    pairs = files.csv(examination.beside(connectivity_pairs([measured])))
    paths = run.write(table, record, **{"pairs.csv": pairs}, **examination.writers(record))
    print_notes(measured.notes)
    if ask:
        print_comparison(table)
    else:
        print_connected(table)
    if examination.certificates:
        typer.echo(f"{examination.verdicts()}\n")
    print_paths(paths)


# shown at the foot of `--help`
connect.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation connect --network cnn1d --data mnist1d --pair natural-adversarial --pairs 50   |   "
    "percolation connect --network resnet18 --data none --training untrained --pair class-optimal --pairs 6   |   "
    "percolation connect --network efficientnet_lite0 --weights imagenet --data pictures --pairs 2   |   "
    "percolation connect --space parameters --network cnn --data digits"
)
