"""The command `percolation phase`. torch loads only when it runs."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolation import checks
from percolation.long_runs import DryRun, LocalCluster, LongRun, Resume, Scheduler, StoreFile
from percolation.terminal import Device, Out, Run, Seed, Workers, loading, print_paths, print_table, ranges

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 999_999  # dimension or number of classes
# dimensions, classes and pairs of the full diagram and of the quick one
LINES = ("iid", "euler", "finder")
SIGMA_W = 3.0
# dimensions, depths, occupations and pairs of the diagram of networks
OF_NETWORKS = {False: ("3..64", "4,8", "0.5,0.1,0.01,0.001", 60), True: ("3,8,24", "4", "0.5,0.1", 6)}
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
    field: Annotated[str | None, typer.Option(help="smooth, iid, network, or all of them, the default.")] = None,
    network: Annotated[
        str | None, typer.Option(help="Instead, networks on the sphere by dimension and occupation: tanh, erf or sin.")
    ] = None,
    sigma_w: Annotated[
        float | None, typer.Option(help="With --network: weights have variance sigma_w^2 / fan-in; default 3.")
    ] = None,
    depth: Annotated[
        str | None, typer.Option(help="With --network: hidden layers, a panel each: 8, or 2,4,8; default 4,8.")
    ] = None,
    occupation: Annotated[
        str | None, typer.Option(help="With --network: shares of open inputs; default 0.5,0.1,0.01,0.001.")
    ] = None,
    networks: Annotated[
        int | None, typer.Option(help="With --network: how many the pairs are spread over; default one a pair.")
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(help="Pairs of the path finder in each cell of the diagram; default 40, of networks 60."),
    ] = None,
    length: Annotated[
        float | None,
        typer.Option(help="Distance of a pair: in correlation lengths (smooth) or cells (iid); default 10."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small grids; unless given, few d and C, and 6 pairs.")
    ] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    device: Device = "cpu",
    store: StoreFile = None,
    resume: Resume = True,
    dry_run: DryRun = False,
    scheduler: Scheduler = None,
    local_cluster: LocalCluster = None,
    out: Out = Path("results/phase"),
) -> None:
    """Dimension against number of classes: when are two points of one class connected?

    On grids exactly (d = 2..5), and by the path finder, in smooth fields, independent cells and random networks. With
    --network: dimension against occupation, the output of random networks on the sphere as a field, a panel a depth.
    Writes table.csv (a row a cell of the diagram), run.json, phase.pdf and phase.png.
    """
    with loading("phase"):
        from empirical.experiments.phase import measure
        from empirical.experiments.phase import networks as of_networks
        from empirical.experiments.phase.figure import phase_figure
        from empirical.experiments.phase.networks_figure import networks_figure
        from empirical.losses import objectives
        from percolation.plotting import writers

    objectives.device(device)
    long = LongRun("phase", out, store, resume, dry_run, scheduler, local_cluster)
    usual_dim, usual_classes, usual_pairs = DEFAULT_GRIDS[quick]
    if network is not None:
        _refuse("--network", field=field, classes=classes, length=length)
        usual_dim, usual_depth, usual_occupation, usual_pairs = OF_NETWORKS[quick]
        asked = of_networks.NetworksPlan(
            dimensions=numbers("dim", usual_dim if dim is None else dim),
            occupations=_occupations(usual_occupation if occupation is None else occupation),
            depths=numbers("depth", usual_depth if depth is None else depth),
            network=network,
            sigma_w=SIGMA_W if sigma_w is None else sigma_w,
            pairs=usual_pairs if pairs is None else pairs,
            networks=networks,
        )
        run = Run.begin(out, seed=seed, workers=workers, device=device, dry_run=dry_run)
        table = long(lambda: of_networks.measure_networks(asked, seed=seed, workers=workers, device=device))
        paths = run.write(table, run.record(asdict(asked)), **writers("phase", networks_figure(table)))
        print_networks(table)
        print_paths(paths)
        return
    _refuse("fields, without --network,", sigma_w=sigma_w, depth=depth, occupation=occupation, networks=networks)
    chosen = checks.one_of("field", field or "all", (*measure.FIELDS, "all"))
    plan = measure.Plan(
        dimensions=numbers("dim", usual_dim if dim is None else dim),
        classes=numbers("classes", usual_classes if classes is None else classes),
        fields=measure.FIELDS if chosen == "all" else (chosen,),
        pairs=usual_pairs if pairs is None else pairs,
        length=10.0 if length is None else length,
        grid_pairs=40 if quick else 100,
        quick=quick,
    )
    run = Run.begin(out, seed=seed, workers=workers, device=device, dry_run=dry_run)
    table = long(lambda: measure.measure_phase(plan, seed=seed, workers=workers, device=device))
    record = run.record(measure.parameters(plan))
    paths = run.write(table, record, **writers("phase", phase_figure(table)))
    print_phase(table)
    print_paths(paths)


def _refuse(what: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"--{name.replace('_', '-')} has no effect on {what}; leave it out, or see --help")


def _occupations(text: str) -> tuple[float, ...]:
    try:
        return tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        raise ValueError(f"cannot read the occupation {text!r}; expected 0.5, or 0.5,0.1,0.01") from None


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


def print_networks(table: "pd.DataFrame") -> None:
    """What was measured, and how the theories fared, in two parts that fit a terminal."""
    rows = table.to_dict("records")
    label = [[str(r["depth"]), str(r["dimension"]), f"{r['wanted_occupation']:g}"] for r in rows]
    print_table(
        "Networks on the sphere: share of pairs connected",
        ["depth", "d", "p", "L/xi", "theory", "n", "no end", "found", "95 %", "grid", "95 %"],
        [
            [
                *part,
                *(_number(r[name], ".1f") for name in ("length_over_xi", "length_over_xi_theory")),
                str(r["pairs"]),
                str(r["ends_stalled"]),
                *_share(r, "found"),
                *(_share(r, "connected_grid") if "connected_grid" in r else ("-", "-")),
            ]
            for part, r in zip(label, rows, strict=True)
        ],
    )
    print_table(
        "Theory: occupation from which on most are connected",
        ["depth", "d", "p", "iid", "Euler", "finder", "iid says", "Euler says", "finder says"],
        [
            [
                *part,
                *(_number(r[f"{line}_threshold"], ".1e") for line in LINES),
                *(r[f"{line}_verdict"] for line in LINES),
            ]
            for part, r in zip(label, rows, strict=True)
        ],
    )


def _number(value: float, form: str) -> str:
    return format(value, form) if value == value else "-"


def _share(row: dict[str, Any], name: str) -> tuple[str, str]:
    """A share and its interval, or dashes."""
    if row[name] != row[name]:
        return "-", "-"
    return f"{row[name]:.2f}", f"{row[f'{name}_low']:.2f}..{row[f'{name}_high']:.2f}"


# shown at the foot of `--help`
phase.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation phase --dim 2..64 --classes 2,10,50,200   |   percolation phase --field smooth "
    "--dim 2..256 --classes 2..1000 --pairs 50   |   percolation phase --quick --out results/quick   |   percolation "
    "phase --network tanh --sigma-w 3 --depth 4,8 --dim 3..64 --occupation 0.5,0.1,0.01,0.001"
)
