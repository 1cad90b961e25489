"""The command `percolation figures`: resume, redraw, LaTeX, tables, gallery, bad input."""

import re
import shutil
import subprocess

import pytest

from papers import gallery, latex, making, registry, tables
from papers.dimension_scaling import thresholds
from papers.figure import macro_name, number_word, record, tex
from tests.papers.tiny import TINY


@pytest.fixture
def tiny(monkeypatch):
    """The quick form of the figure of thresholds, made tiny."""
    monkeypatch.setattr(thresholds, "QUICK", TINY[thresholds.NAME])


@pytest.fixture
def undrawn(monkeypatch):
    """Data alone; what is drawn of them is left out."""
    monkeypatch.setattr(making, "draw", lambda name, data, formats: ([], 3.25))


def test_made_once_then_only_drawn(tiny, percolation, tmp_path, monkeypatch):
    arguments = ("figures", "thresholds", "--out", tmp_path, "--seed", 3)
    code, output, _ = percolation(*arguments)
    assert code == 0 and "largest |z|" in output
    names = {f"thresholds.{one}" for one in ("csv", "json", "pdf", "png", "txt")}
    assert {path.name for path in (tmp_path / "dimension_scaling").iterdir()} == names
    first = {path.name: path.read_bytes() for path in (tmp_path / "dimension_scaling").iterdir()}

    monkeypatch.setattr(thresholds, "compute", None)  # would fail if it were called
    code, output, _ = percolation(*arguments)
    assert code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "dimension_scaling").iterdir()} == first


def test_redrawn_whatever_size_the_data_have(tiny, undrawn, percolation, tmp_path):
    assert percolation("figures", "thresholds", "--out", tmp_path)[0] == 0
    data = tmp_path / "dimension_scaling" / "thresholds.csv"
    first = data.read_bytes()
    code, _, error = percolation("figures", "thresholds", "--out", tmp_path, "--redraw", "--full")
    assert code == 0 and "min on two cores" not in error and data.read_bytes() == first


def test_full_says_how_long_it_takes_unless_the_data_are_there(undrawn, percolation, tmp_path, monkeypatch):
    monkeypatch.setattr(thresholds, "FULL", TINY[thresholds.NAME])
    for expected in (True, False):
        code, _, error = percolation("figures", "thresholds", "--full", "--out", tmp_path)
        assert code == 0 and ("min on two cores" in error) is expected


def test_other_seeds_and_parameters_are_computed_anew(tiny, undrawn, percolation, tmp_path, monkeypatch):
    percolation("figures", "thresholds", "--out", tmp_path, "--seed", 3)
    data = tmp_path / "dimension_scaling" / "thresholds.csv"
    first = data.read_bytes()
    percolation("figures", "thresholds", "--out", tmp_path, "--seed", 4)
    assert data.read_bytes() != first and record(data)["seed"] == 4
    monkeypatch.setattr(thresholds, "QUICK", thresholds.Config(d_max=3, n_runs=8, n_sites=512))
    percolation("figures", "thresholds", "--out", tmp_path, "--seed", 4)
    assert record(data)["parameters"]["d_max"] == 3


def test_latex_of_all_that_was_made(tiny, percolation, tmp_path):
    code, output, _ = percolation("figures", "thresholds", "--out", tmp_path, "--tex", "--format", "pdf")
    assert code == 0
    folder = tmp_path / "dimension_scaling"
    document, macros = ((folder / name).read_text() for name in ("figures.tex", "macros.tex"))
    assert r"\includegraphics{thresholds.pdf}" in document and r"\input{macros}" in document
    assert document.count("{") == document.count("}") and document.endswith("\\end{document}\n")
    defined = dict(re.findall(r"\\newcommand{\\([a-zA-Z]+)}{(.*)}", macros))
    assert defined == thresholds.macros(folder / "thresholds.csv") and defined["pcSiteFour"].startswith("0.19")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
def test_the_document_compiles(data_of, percolation, tmp_path):
    for name in registry.chosen("dimension_scaling"):
        folder = data_of(name).parent
    shutil.copytree(folder, tmp_path / "dimension_scaling")
    assert (
        percolation("figures", "dimension_scaling", "--out", tmp_path, "--redraw", "--tex", "--format", "pdf")[0] == 0
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "figures.tex"],
        cwd=tmp_path / "dimension_scaling",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "Overfull" not in done.stdout, done.stdout[-2000:]


def test_latex_of_one_figure_keeps_the_numbers_of_the_others(tiny, data_of, percolation, tmp_path):
    folder = tmp_path / "dimension_scaling"
    shutil.copytree(data_of("dimension_scaling/collapse").parent, folder)
    for path in folder.iterdir():
        if not path.name.startswith("collapse"):
            path.unlink()
    assert percolation("figures", "thresholds", "--out", tmp_path, "--tex", "--format", "pdf")[0] == 0
    document, macros = ((folder / name).read_text() for name in ("figures.tex", "macros.tex"))
    assert document.index("{thresholds.pdf}") < document.index("{collapse.pdf}") and (folder / "collapse.pdf").exists()
    assert r"\collapseQualityTwo" in macros and r"\pcSiteFour" in macros


def test_a_macro_that_two_figures_claim(data_of, monkeypatch):
    made = [making.Made(name, data_of(name), (), 3.25, 0.0) for name in (thresholds.NAME, "dimension_scaling/collapse")]
    latex.macros_tex(made)
    monkeypatch.setattr(thresholds, "macros", lambda data: {"collapseQualityTwo": "1"})
    with pytest.raises(ValueError, match="both define the macro collapseQualityTwo"):
        latex.macros_tex(made)
    monkeypatch.setattr(thresholds, "macros", lambda data: {"pc13": "1"})
    with pytest.raises(ValueError, match="holds more than letters"):
        latex.macros_tex(made)


def test_tables_as_latex_and_markdown():
    table = tables.Table("A & B", ("d", "what"), (("3", "50 %"), ("13", "a_b")))
    assert tables.booktabs(table, "tab:x").splitlines()[4] == r"\begin{tabular}{rl}"
    assert r"3 & 50 \% \\" in tables.booktabs(table, "tab:x") and r"a\_b" in tables.booktabs(table, "tab:x")
    assert tables.markdown(table).splitlines()[2:] == ["| d | what |", "| ---: | --- |", "| 3 | 50 % |", "| 13 | a_b |"]


@pytest.mark.parametrize(
    ("n", "word"),
    [(0, "Zero"), (13, "Thirteen"), (20, "Twenty"), (42, "FortyTwo"), (3072, "ThreeThousandSeventyTwo")],
)
def test_names_of_macros_hold_letters_only(n, word):
    assert number_word(n) == word
    assert macro_name("pc", "site", n) == f"pcSite{word}"
    assert macro_name("natural-natural", "1e-3").isalpha()


def test_plain_text_in_latex():
    assert tex("a_b --quick 50 %") == r"a\_b -{}-quick 50 \%"
    assert tex("{|z| < 2^3}") == r"\{\textbar{}z\textbar{} \textless{} 2\textasciicircum{}3\}"


def test_the_gallery(data_of, tmp_path, monkeypatch):
    names = [thresholds.NAME, "dimension_scaling/collapse"]
    monkeypatch.setattr(registry, "paper_names", lambda: ["dimension_scaling"])
    monkeypatch.setattr(registry, "chosen", lambda paper: names)
    folder = data_of(names[0]).parent.parent
    data_of(names[1])
    paths = gallery.write(folder, tmp_path)
    page = (tmp_path / "papers/README.md").read_text()
    assert len(paths) == len(names) + 1
    for path in paths[:-1]:
        assert f"(../{path.relative_to(tmp_path)})" in page
    assert thresholds.finding(data_of(thresholds.NAME)) in page


def test_the_gallery_of_the_repository_is_whole():
    """Every figure has its picture and its finding there."""
    page = (gallery.ROOT / "papers/README.md").read_text()
    for name in registry.names():
        assert f"(../docs/figures/{name}.png)" in page
        assert (gallery.ROOT / f"docs/figures/{name}.png").stat().st_size < 250_000


def test_list(percolation, tmp_path):
    code, output, _ = percolation("figures", "--list", "--out", tmp_path)
    assert code == 0 and all(name.split("/")[1] in output for name in registry.names())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("treshold", "did you mean"),
        ("dimension_scaling/collaps", "did you mean 'dimension_scaling/collapse'"),
        ("thresholds --format pgf", "unknown format 'pgf'"),
        ("thresholds --redraw", "run once without --redraw"),
        ("thresholds --tex --format png", "add pdf"),
        ("thresholds --seed -1", "seed must be at least 0, got -1"),
        ("thresholds --workers -1", "workers must be at least 0, got -1"),
    ],
)
def test_bad_input(percolation, tmp_path, arguments, message):
    code, _, error = percolation("figures", *arguments.split(), "--out", tmp_path / "out")
    assert code == 2 and message in error and error.count("\n") == 1
    assert not list((tmp_path / "out").glob("*/*"))
