"""The command `percolation detect`. torch loads only when it runs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from percolation import files
from percolation.long_runs import DryRun, LocalCluster, LongRun, Resume, Scheduler, StoreFile
from percolation.terminal import Device, Out, Run, Seed, Workers, loading, print_notes, print_paths, print_table

QUICK = {"images": 120, "searches": 3, "steps": 200, "evasion": 30}  # under a minute; C&W has not converged then


def detect(
    attacks: Annotated[str, typer.Option(help="all, or names: fgsm,pgd,deepfool; autoattack only by name.")] = "all",
    detectors: Annotated[str, typer.Option(help="all, or names: curve,lid,mahalanobis.")] = "all",
    data: Annotated[str, typer.Option(help="digits, mnist1d, cifar10, cifar100; several with commas.")] = (
        "digits,mnist1d"
    ),
    folder: Annotated[Path | None, typer.Option(help="Where the published files of CIFAR lie.")] = None,
    network: Annotated[
        str | None, typer.Option(help="Instead of the usual one (cnn, cnn1d, vgg16), any of `percolation connect`.")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="A state dict; without, the network is trained here.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Of that training; default 60, of CIFAR 40.")] = None,
    images: Annotated[int | None, typer.Option(help="Test images that are looked at; default 400.")] = None,
    epsilon: Annotated[
        float | None, typer.Option(help="Of FGSM, BIM, PGD, AutoAttack, as a share of the range of the data.")
    ] = None,
    references: Annotated[int, typer.Option(help="Low-loss references of each class for the loss curves.")] = 1,
    classifier: Annotated[str, typer.Option(help="logistic or boosting.")] = "logistic",
    adaptive: Annotated[bool, typer.Option(help="Attack the loss curves adaptively too; goes with pgd.")] = True,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer images and steps: under a minute.")] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    device: Device = "cpu",
    store: StoreFile = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    scheduler: Scheduler = None,
    local_cluster: LocalCluster = None,
    out: Out = Path("results/detect"),
) -> None:
    """Detectors of adversarial inputs x attacks: AUC and true positives at 5 % false ones, with intervals of 95 %.

    Writes table.csv (a row a detector x attack), adaptive.csv, scores.csv (a row a tested input), roc.csv, run.json,
    detect.pdf and detect.png.
    """
    with loading("detect"):
        from empirical.experiments.detect import cases, measure
        from empirical.experiments.detect.figure import detection_figure
        from empirical.losses import objectives
        from percolation.plotting import writers

    objectives.device(device)
    changes = {"network": network, "weights": weights, "epochs": epochs, "images": images, "epsilon": epsilon}
    changes |= {"folder": None if folder is None else str(folder)}
    given = (QUICK if quick else {}) | {name: value for name, value in changes.items() if value is not None}
    plan = measure.Plan(
        cases.cases(_names(data), **given),
        _attacks(attacks),
        _detectors(detectors),
        references,
        classifier,
        adaptive,
    )
    long = LongRun("detect", out, store, resume, dry_run, scheduler, local_cluster)
    run = Run.begin(out, seed=seed, workers=workers, device=device, dry_run=dry_run)
    tried = long(lambda: measure.run(plan, seed=seed, workers=workers, device=device))
    table, evaded = measure.table(tried), measure.adaptive_table(tried)
    notes = print_notes(note for one in tried for note in one.notes)
    record = run.record(measure.parameters(plan), notes=notes)
    record["versions"] |= measure.libraries()
    others = {"adaptive.csv": files.csv(evaded), "scores.csv": files.csv(measure.score_table(tried))}
    others |= {"roc.csv": files.csv(measure.roc_table(tried))}
    others |= writers("detect", detection_figure(table, evaded))
    paths = run.write(table, record, **others)
    print_detection(table.to_dict("records"))
    print_adaptive(evaded.to_dict("records"))
    _print_best_detectors(table.to_dict("records"))
    print_paths(paths)


def print_detection(rows: list[dict[str, Any]]) -> None:
    """Two tables for each data set, detectors x attacks: AUC, and true positives at 5 % false ones."""
    for data in dict.fromkeys(row["data"] for row in rows):
        of_data = [row for row in rows if row["data"] == data]
        attacks = list(dict.fromkeys(row["attack"] for row in of_data))
        for value, what in (("auc", "AUC"), ("tpr_5", "true positives at 5 % false positives")):
            print_table(
                f"{data}, {of_data[0]['network']}: {what}   (± half of the 95 % interval, * best)",
                ["detector", *attacks],
                [
                    ["n", *(str(next(r["n"] for r in of_data if r["attack"] == one)) for one in attacks)],
                    *_matrix(of_data, attacks, value),
                ],
            )


def _matrix(rows: list[dict[str, Any]], attacks: list[str], value: str) -> Iterable[list[str]]:
    cells = {(row["detector"], row["attack"]): row for row in rows}
    best = {
        one: max((r[value] for r in rows if r["attack"] == one and r[value] == r[value]), default=2) for one in attacks
    }
    for detector in dict.fromkeys(row["detector"] for row in rows):
        yield [detector, *(_cell(cells[detector, one], value, best[one]) for one in attacks)]


def _cell(row: dict[str, Any], value: str, best: float) -> str:
    """.98±.02, starred if it is the best."""
    if row[value] != row[value]:
        return "-"
    half = (row[f"{value}_high"] - row[f"{value}_low"]) / 2
    number = f"{row[value]:.2f}" if row[value] >= 0.995 else f"{row[value]:.2f}"[1:]
    return f"{number}±{f'{half:.2f}'[1:]}" + ("*" if row[value] == best else "")


def print_adaptive(rows: list[dict[str, Any]]) -> None:
    """Detection and attack before (PGD) and after (an attack that lowers the detector's score too)."""
    if not rows:
        return
    pairs = ("auc", "tpr_5", "undetected", "success", "l2")
    print_table(
        "The attack that knows the loss curve, from where PGD ended: before > after   (eps: its budget over PGD's)",
        ["data", "detector", "eps", "AUC", "TPR 5 %", "unseen", "success", "L2 median"],
        [
            [row["data"], row["detector"], f"{row['budget']:g}"]
            + [f"{row[f'{one}_before']:.2f}>{row[f'{one}_after']:.2f}" for one in pairs]
            for row in rows
        ],
    )


def _print_best_detectors(rows: list[dict[str, Any]]) -> None:
    """For each attack, how the better of the loss curves stands against the best baseline; and what gave no numbers."""
    for key in dict.fromkeys((row["data"], row["attack"]) for row in rows):
        of_attack = [row for row in rows if (row["data"], row["attack"]) == key]
        ours = [row for row in of_attack if row["verdict"] == row["verdict"]]
        if ours:
            best = max(ours, key=lambda row: row["auc"])
            lead = f"{best['lead']:+.3f} ({best['lead_low']:+.3f} to {best['lead_high']:+.3f})"
            typer.echo(
                f"{key[0]}, {key[1]}: {best['verdict']}: AUC {best['detector']} - {best['best_baseline']} = {lead}"
            )
        elif of_attack[0]["note"]:
            typer.echo(f"{key[0]}, {key[1]}: no numbers: {of_attack[0]['note']}")


def _attacks(text: str) -> tuple[str, ...]:
    from empirical.experiments.detect.measure import DEFAULT_ATTACKS

    return DEFAULT_ATTACKS if text == "all" else _names(text)


def _detectors(text: str) -> tuple[str, ...]:
    from empirical.detection.methods import METHODS

    return tuple(METHODS) if text == "all" else _names(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise ValueError(f"expected names with commas between them, got {text!r}")
    return names


detect.instead = dict.fromkeys(("--mean", "--std", "--size"), "its data have their own") | {  # type: ignore[attr-defined]
    "--pairs": "--images says how many inputs are attacked",
}
# shown at the foot of `--help`
detect.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation detect --attacks all --detectors all   |   percolation detect --quick   |   percolation "
    "detect --data cifar10 --folder DIR --images 2000 --device cuda"
)
