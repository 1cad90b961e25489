"""The command `percolation figures`. Simulations and torch load only when it runs."""

from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from percolation import checks
from percolation.terminal import MOST_WORKERS, Device, Seed, Workers, announce, print_paths, print_table

if TYPE_CHECKING:
    from papers.making import Made
QUICK_MINUTES = 0.5  # of a figure, on two cores, on the average


def figures(
    which: Annotated[
        str | None, typer.Argument(metavar="[PAPER[/FIGURE]]", help="A paper or a figure of one; without, all of them.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full/--quick", help="As in print, or all of them in under ten minutes on two cores.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; default results/papers/quick, or .../full.")
    ] = None,
    formats: Annotated[str, typer.Option("--format", help="Any of pdf, png, svg.")] = "pdf,png",
    redraw: Annotated[bool, typer.Option("--redraw", help="Draw the data that are there; compute nothing.")] = False,
    tex: Annotated[bool, typer.Option("--tex", help="Write figures.tex, macros.tex and tables of each paper.")] = False,
    tables: Annotated[bool, typer.Option("--tables", help="Write tables, as LaTeX and as Markdown.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Say what figures there are, and do nothing.")] = False,
    seed: Seed = 0,
    workers: Workers = 0,
    device: Device = "cpu",
) -> None:
    """The figures of papers: data, vector graphics with embedded fonts, and captions with their numbers.

    Data that are there, of the same parameters, seed and version, are not computed again: an interrupted run goes on
    with the figure that it had begun. Each figure can be a job of its own on a cluster, PAPER/FIGURE.
    """
    from papers import making, registry

    names = registry.chosen(which)
    made_in = out or Path("results/papers") / ("full" if full else "quick")
    if list_:
        _list(names, made_in)
        return
    kinds = making.checked_formats(formats)
    if tex and "pdf" not in kinds:
        raise ValueError(f"--tex includes the figures as pdf, got --format {formats}; add pdf")
    checks.seed(seed)
    checks.integer("workers", workers, at_least=0, at_most=MOST_WORKERS)
    if device != "cpu":
        from empirical.losses import objectives

        objectives.device(device)
        if apart := [name for name in names if not making.on_devices(name)]:
            typer.echo(f"computed on the CPU: {', '.join(apart)}", err=True)
    if not redraw and not full:
        announce(f"{len(names)} figure{'s' * (len(names) > 1)}, small (--quick)", QUICK_MINUTES * len(names))
    made = []
    for name in names:
        if full and not redraw and making.there(name, made_in, full=True, seed=seed) is None:
            typer.echo(f"{name}: expected to take at most {registry.find(name).MINUTES:g} min on two cores", err=True)
        one = making.make(
            name, made_in, formats=kinds, full=full, seed=seed, workers=workers, redraw=redraw, device=device
        )
        typer.echo(f"{name} ({one.seconds:.0f} s): {registry.find(name).finding(one.data)}")
        print_paths([one.data, *one.drawn])
        made.append(one)
    print_paths(_texts(making.completed(made, made_in, kinds) if tex else made, tex, tables))


def _texts(made: "list[Made]", tex: bool, tables: bool) -> list[Path]:
    """Write what LaTeX reads: tables, and for whole documents figures and macros."""
    from papers import latex, making, registry
    from percolation import files

    written = []
    for paper in registry.paper_names():
        own = [one for one in made if one.name.startswith(f"{paper}/")]
        texts: dict[str, str] = {}
        if tex and own:
            texts |= {"figures.tex": latex.figures_tex(paper, own), "macros.tex": latex.macros_tex(own)}
        if tex or tables:
            for one in own:
                texts |= latex.table_files(one)
        if texts:
            writers = {name: making.text(content) for name, content in texts.items()}
            written += files.write_together(own[0].data.parent, writers)
    return written


def _list(names: list[str], folder: Path) -> None:
    from papers import figure, registry

    for paper in dict.fromkeys(name.split("/")[0] for name in names):
        rows = []
        for name in (one for one in names if one.startswith(f"{paper}/")):
            module, data = registry.find(name), figure.kept(folder / paper, name)
            made = "-" if data is None else f"seed {figure.record(data)['seed']}"
            what = shorten(module.TITLE, 42, placeholder=" ...")
            rows.append([name.split("/")[1], what, f"{module.MINUTES:g}", made])
        print_table(
            f"{paper}/...   (minutes of --full; data in {folder})", ["figure", "what it shows", "min", "data"], rows
        )


figures.instead = {"--pairs": "each figure has its own numbers, --quick fewer"}  # type: ignore[attr-defined]
# shown at the foot of `--help`
figures.panel = "Papers"  # type: ignore[attr-defined]
figures.epilog = (  # type: ignore[attr-defined]
    "Examples:  percolation figures --quick   |   percolation figures dimension_scaling/thresholds --full   |   "
    "percolation figures --redraw --tex --format pdf,svg"
)
