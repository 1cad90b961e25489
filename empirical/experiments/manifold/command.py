"""The command `percolation manifold`. torch loads only when it runs."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from empirical.experiments import options
from percolation import checks, files
from percolation.terminal import Device, Out, Run, Seed, loading, print_notes, print_paths, print_table, stages

if TYPE_CHECKING:
    import pandas as pd

    from empirical.experiments.manifold.measure import Explored

MOST_VERTICES = 9  # of a path, whose saliency is drawn


def manifold(
    network: Annotated[
        str, typer.Option(help="As in connect, or resnet, vit: small ones; or several: mlp,cnn,resnet,vit.")
    ] = "cnn",
    data: Annotated[str, typer.Option(help="digits, mnist1d, or none: an untrained network.")] = "digits",
    label: Annotated[int, typer.Option("--class", help="Whose optimal inputs are looked at.")] = 0,
    weights: Annotated[str, typer.Option(help="random (then trained on the data), imagenet, or a file.")] = "random",
    untrained: Annotated[bool, typer.Option("--untrained", help="Random weights although there are data.")] = False,
    mean: options.Mean = None,
    std: options.Std = None,
    n_modes: Annotated[
        int | None, typer.Option("--modes", help="Class-optimal inputs; all pairs are connected; default 16.")
    ] = None,
    noise: Annotated[
        float, typer.Option(help="Standard deviation of the noise that they start from; the article's 0.01.")
    ] = 1.0,
    side: Annotated[int | None, typer.Option(help="Intervals on a side of the sheet; default 16.")] = None,
    saliency: Annotated[
        str, typer.Option(help="gradient, or integrated (captum), or gradient,integrated.")
    ] = "gradient",
    dim: Annotated[int | None, typer.Option(help="Input dimension; default: the data set's own.")] = None,
    level: Annotated[float, typer.Option(help="Loss in nats at or below which an input is open.")] = 1e-3,
    stop: Annotated[float, typer.Option(help="Loss in nats at which an optimisation ends, below the level.")] = 5e-4,
    quick: Annotated[bool, typer.Option("--quick", help="5 modes and a sheet of 6 x 6, unless said.")] = False,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Taken for uniformity: networks are done in turn.")] = 1,
    device: Device = "cpu",
    out: Out = Path("results/manifold"),
) -> None:
    """The class-optimal set of a network: its modes, paths and sheets between them, its spread and dimension.

    Writes table.csv (a row a network), pairs.csv (a row a pair of modes), NETWORK.npz, run.json, and as PDF and PNG:
    path, sheet, and interpretation_NETWORK (what changes along a path).
    """
    with loading("manifold"):
        from empirical.data.tensors import Normalisation
        from empirical.experiments.manifold.measure import Plan, explore
        from empirical.finder.find import PRESETS
        from empirical.networks.saliency import METHODS

    methods = [checks.one_of("saliency", part.strip(), METHODS) for part in saliency.split(",")]
    usual = PRESETS["default"]
    finder = replace(usual, level=level, descent=replace(usual.descent, stop=stop))
    random = untrained or (data == "none" and weights == "random")
    plans = [
        Plan(
            name,
            data,
            label,
            "untrained" if random else "trained",
            dim,
            weights,
            Normalisation.of_options(mean, std),
            n_modes=(5 if quick else 16) if n_modes is None else n_modes,
            side=(6 if quick else 16) if side is None else side,
            noise=noise,
            finder=finder,
        )
        for name in dict.fromkeys(part.strip() for part in network.split(","))
    ]
    _require(methods)
    run = Run.begin(out, seed=seed, workers=workers, device=device)
    with stages() as report:
        found = [explore(plan, seed=seed, device=device, report=report) for plan in plans]
    print_paths(_write(run, {"plans": [asdict(plan) for plan in plans], "saliency": methods}, found, methods))


def _require(methods: list[str]) -> None:
    """Ask for what a method needs before anything is computed."""
    import torch

    from empirical.networks.saliency import saliency

    for method in methods:
        saliency(torch.nn.Identity(), torch.zeros(1, 2), torch.zeros(1, dtype=torch.long), method)


def _write(run: Run, parameters: dict[str, Any], found: "list[Explored]", methods: list[str]) -> list[Path]:
    import pandas as pd

    from empirical.experiments.manifold.figure import path_figure, sheet_figure
    from empirical.networks.taken import notes_of
    from percolation.plotting import writers

    notes = print_notes(note for one in found for note in notes_of(one.model))
    table = pd.DataFrame([one.row for one in found])
    pairs = pd.concat([one.graph.table().assign(network=one.plan.network) for one in found])
    others: dict[str, files.Writer] = {"pairs.csv": files.csv(pairs)}
    others |= writers("path", path_figure(found)) | writers("sheet", sheet_figure(found))
    for one in found:
        name = one.plan.network.rpartition(":")[2]
        arrays = one.arrays()
        others |= _interpretation(name, one, methods, arrays)
        others[f"{name}.npz"] = _npz(arrays)
    paths = run.write(table, run.record(parameters, notes=notes), **others)
    print_manifold(table)
    return paths


def _interpretation(name: str, one: "Explored", methods: list[str], arrays: dict[str, Any]) -> dict[str, files.Writer]:
    """The figure of what changes along the path; the maps are put among the arrays. Nothing if nothing is connected."""
    import torch

    from empirical.experiments.manifold.figure import interpretation_figure
    from empirical.networks.saliency import saliency
    from percolation.plotting import writers

    if one.walk is None:
        return {}
    vertices = torch.as_tensor(arrays["vertices"])
    if len(vertices) > MOST_VERTICES:
        vertices = vertices[torch.linspace(0, len(vertices) - 1, MOST_VERTICES).round().long()]
    vertices = vertices.to(one.modes.points.device)
    labels = torch.full((len(vertices),), one.plan.label, device=vertices.device)
    maps = {method: saliency(one.model, vertices, labels, method).numpy(force=True) for method in methods}
    arrays |= {f"saliency_{method}": image for method, image in maps.items()}
    figure = interpretation_figure(one, vertices.numpy(force=True), maps)
    return writers(f"interpretation_{name}", figure)


def _npz(arrays: dict[str, Any]) -> files.Writer:
    import numpy as np

    return lambda path: np.savez(path, allow_pickle=False, **arrays)


def print_manifold(table: "pd.DataFrame") -> None:
    """The table in three parts that fit a terminal."""
    rows = table.to_dict("records")
    print_table(
        "Class-optimal inputs and the graph between them   (barrier, gap: medians of the straight lines, nats)",
        ["network", "d", "modes", "norm", "spread", "found", "parts", "straight", "rounds", "barrier", "gap"],
        [
            [
                _label(row),
                str(row["dimension"]),
                f"{row['modes']}/{row['modes_tried']}",
                *(f"{row[name]:.2f}" for name in ("norm", "spread", "connected")),
                str(row["components"]),
                *(f"{row[name]:.2f}" for name in ("straight", "rounds")),
                *(f"{row[name]:.1e}" for name in ("barrier_median", "gap_median")),
            ]
            for row in rows
        ],
    )
    print_table(
        "Dimension: neighbours (isotropic ones beside), directions open by steps of a tenth of the norm",
        ["network", "k", "ratio", "isotropic", "comp. 95%", "Jacobian rank", "null open", "others open"],
        [
            [
                _label(row),
                str(row["neighbours"]),
                *(f"{row[name]:.1f}" for name in ("participation_ratio", "isotropic_ratio", "components_95")),
                f"{row['directions_rank']:.1f}",
                *(f"{row[f'directions_{name}']:.2f}" for name in ("open", "open_across")),
            ]
            for row in rows
        ],
    )
    print_table(
        "A sheet between three modes: share open and highest loss, flat and relaxed",
        ["network", "flat", "highest", "relaxed", "highest", "largest stretch"],
        [
            [
                _label(row),
                f"{row['sheet_open_flat']:.2f}",
                f"{row['sheet_max_flat']:.1e}",
                f"{row['sheet_open']:.2f}",
                f"{row['sheet_max']:.1e}",
                f"{row['sheet_stretch']:.1f}",
            ]
            for row in rows
        ],
    )


def _label(row: dict[str, Any]) -> str:
    return str(row["network"]).rpartition(":")[2] + ("" if row["training"] == "trained" else "*")


manifold.instead = {  # type: ignore[attr-defined]
    "--pairs": "all pairs of --modes are connected",
    "--folder": "class-optimal inputs start from noise, no pictures are read",
    "--size": "--dim says how large an input is",
}
# shown at the foot of `--help`
manifold.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation manifold --network cnn --data digits --class 3   |   "
    "percolation manifold --network mlp,cnn,resnet,vit --class 3   |   "
    "percolation manifold --network resnet18 --data none --modes 6 --noise 0.01"
)
