"""README and the pages of docs/: their Python runs as it stands; their commands, modules, files and links are there."""

import re
import shlex
import subprocess
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from percolation import cli

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
}
README = PAGES["README.md"]
NEEDS_CLUSTER = "from dask_jobqueue import"  # first words of snippets that are only compiled


def blocks(language):
    """(page:number, text) of every block in this language."""
    for page, text in PAGES.items():
        for k, block in enumerate(re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE), 1):
            yield pytest.param(block, id=f"{page}:{k}")


@pytest.mark.parametrize("snippet", list(blocks("python")))
def test_snippet_runs(snippet, capsys, fixed_networks):
    code = compile(snippet, "snippet", "exec")
    if not snippet.startswith(NEEDS_CLUSTER):
        exec(code, {"__name__": "snippet"})
        assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("block", list(blocks("sh")))
def test_shell_is_understood(block):
    assert subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True).stderr == ""


def commands():
    """Whatever begins with `percolation ` in a block or between backticks, but for placeholders, with its page."""
    for page, text in PAGES.items():
        lines = re.findall(r"^ *(percolation [^#\n]+)", text, re.MULTILINE)
        spans = re.findall(r"`(percolation [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
        for said in dict.fromkeys(" ".join(one.split()) for one in lines + spans):
            if "..." not in said and "COMMAND" not in said and "--help" not in said:
                yield pytest.param(said, id=f"{page}: {said}")


@pytest.mark.parametrize("said", list(commands()))
def test_command_is_understood(said):
    for plugin in entry_points(group="percolation.commands"):
        if plugin.name not in {one.name for one in cli.app.registered_commands}:
            cli.add(plugin)
    _, name, *words = shlex.split(said)
    command = typer.main.get_command(cli.app).commands[name]
    if hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    if words:  # a name alone may stand for the command
        assert command.make_context(name, words).params


def test_what_pages_name_is_there():
    text = "\n".join(PAGES.values())
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z-]+)`", text)):
        assert f"\n{target}:" in makefile or f" {target}:" in makefile, target
    for module in set(re.findall(r"python3? -m ((?:papers|percolation|empirical)[\w.]*)", text)):
        assert find_spec(module), module
    for file in set(re.findall(r"`(?:pytest )?((?:benchmarks|papers|percolation|empirical)/[\w/.]+\.\w+)", text)):
        assert (ROOT / file).exists(), file


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[page])):
        if "://" in target:
            continue
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", one).strip().lower()) for one in headings}


def test_readme_is_a_screen_and_a_half():
    assert len(README) < 6000 and len(README.splitlines()) < 100


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in PAGES.keys() - {"README.md"}:
        assert f": {page.removeprefix('docs/')}\n" in navigation, page
