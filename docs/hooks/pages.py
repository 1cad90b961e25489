"""Pages of the site that are written from the repository: commands from their help, the reference from docstrings,
and copies of the pages that lie elsewhere. A hook of mkdocs, named in mkdocs.yml.
"""

import posixpath
import re
from collections.abc import Iterable
from importlib.metadata import entry_points
from itertools import groupby
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from percolation import cli

ROOT = Path(__file__).parents[2]
# pages that lie outside docs/, by their place in the site
ELSEWHERE = {
    "index.md": "README.md",
    "gallery.md": "papers/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "benchmarks/index.md": "benchmarks/README.md",
} | {
    f"benchmarks/{path.name}": f"benchmarks/{path.name}"
    for path in sorted((ROOT / "benchmarks").glob("*.md"))
    if path.name != "README.md"
}
# what the reference leaves out: the command line's own parts, and what draws or prints for one command
UNTOLD = {
    "cli",
    "cli_graph",
    "cli_runs",
    "cli_spheres",
    "cli_figures",
    "command",
    "options",
    "printed",
    "terminal",
    "tutorials",
}
# packages whose door names all there is to use, but for these
FURTHER = {"percolation.runs": ("scan", "store", "executors", "tasks")}


GUESSED = (
    "--pairs",
    "--quick",
    "--seed",
    "--device",
    "--workers",
    "--out",
    "--data",
    "--folder",
    "--weights",
    "--mean",
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the sections of the navigation whose pages are written here."""
    sections = {
        "Commands": ["commands/index.md", *_grouped((c.panel, " ".join(c.name), c.page) for c in commands())],
        "Reference": ["reference/index.md", *_grouped(_place(name) for name in doors())],
        "Benchmarks": [page for page in ELSEWHERE if page.startswith("benchmarks/")],
    }
    assert config.nav is not None
    for entry in config.nav:
        ((title, _),) = entry.items()
        if title in sections:
            entry[title] = sections[title]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    pages = {page: (ROOT / source).read_text() for page, source in ELSEWHERE.items()}
    pages |= {"commands/index.md": commands_page(), "reference/index.md": reference_page()}
    pages |= {command.page: command_page(command) for command in commands()}
    pages |= {f"reference/{name}.md": module_page(name) for name in doors()}
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links between files of the repository, as links between pages of the site."""
    here = page.file.src_uri
    source = ELSEWHERE.get(here, f"docs/{here}")
    places = {file: place for place, file in ELSEWHERE.items()}

    def moved(link: re.Match[str]) -> str:
        target, hash_, anchor = link[1].partition("#")
        if not target or "://" in target:
            return link[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        place = places.get(file) or file.removeprefix("docs/")
        return f"]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{hash_}{anchor})"

    return re.sub(r"\]\(([^)\s]+)\)", moved, markdown)


def _grouped(pages: Iterable[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Sections of the navigation from (section, title, page)."""
    by_section = groupby(pages, key=lambda one: one[0])
    return [{section: [{title: page} for _, title, page in some]} for section, some in by_section]


# commands


class Command(NamedTuple):
    """A command as typer knows it, with its place in the help and in the site."""

    panel: str
    name: tuple[str, ...]  # (name,) or (group, name)
    typed: Any

    @property
    def page(self) -> str:
        return f"commands/{'-'.join(self.name)}.md"


def commands() -> list[Command]:
    """Every command, by the panels of the help."""
    known = {command.name for command in cli.app.registered_commands}
    for plugin in entry_points(group="percolation.commands"):
        if plugin.name not in known:
            cli.add(plugin)
    found = []
    for name, command in typer.main.get_command(cli.app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        named = {(name,): command} if inner is None else {(name, part): one for part, one in inner.items()}
        found += [Command(command.rich_help_panel, *item) for item in named.items()]
    panels = [cli.LATTICES, cli.NETWORKS, "Papers", cli.RUNS]
    return sorted(found, key=lambda one: (panels.index(one.panel), one.name))


def commands_page() -> str:
    """All commands with a line each."""
    parts = ["# Commands\n\nThese pages are written from `percolation COMMAND --help`."]
    for panel, some in groupby(commands(), key=lambda one: one.panel):
        rows = [f"| [`{' '.join(c.name)}`]({Path(c.page).name}) | {_cell(c.typed.help.split('.')[0])} |" for c in some]
        parts.append(f"## {panel}\n\n| command | |\n|---|---|\n" + "\n".join(rows))
    parts.append("## Options that several have\n\n" + _shared_options())
    return "\n\n".join(parts) + "\n"


def _shared_options() -> str:
    """A table of commands x the options that a user would guess."""
    head = "| command | " + " | ".join(f"`{option}`" for option in GUESSED) + " |\n|---" + "|---" * len(GUESSED) + "|"
    rows = [head]
    for c in (one for one in commands() if len(one.name) == 1):
        has = {name for one in c.typed.params for name in (*one.opts, *one.secondary_opts)}
        marks = " | ".join("yes" if option in has else "" for option in GUESSED)
        rows.append(f"| [`{c.name[0]}`]({Path(c.page).name}) | {marks} |")
    return "\n".join(rows)


def command_page(command: Command) -> str:
    """What a command does, its examples, and its arguments and options with their defaults."""
    called = "percolation " + " ".join(command.name)
    parameters = command.typed.params
    arguments = [one.name.upper() for one in parameters if one.param_type_name == "argument"]
    parts = [f"# {' '.join(command.name)}", command.typed.help or ""]
    parts.append("```text\n" + " ".join([called, *arguments, "[OPTIONS]"]) + "\n```")
    examples = re.sub(r"^Examples?:\s+", "", command.typed.epilog or "")
    if examples:
        parts.append("Examples:\n\n```sh\n" + "\n".join(re.split(r"\s+\|\s+", examples)) + "\n```")
    context = typer.Context(command.typed, info_name=called)
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [_row(*one.get_help_record(context)) for one in parameters if one.param_type_name == kind]
        if rows:
            parts.append(f"## {title}\n\n| | |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _row(names: str, said: str) -> str:
    """A parameter from its line in the help: `--seed <int>`, 'Seed.  [default: 0]'."""
    text, _, extra = said.rpartition("  [") if said.endswith("]") else (said, "", "")
    shown = "<br>".join(f"`{name}`" for name in re.sub(r"\s*<.*>", "", names).split(" / "))
    marks = [_sentence(mark) for mark in extra.rstrip("]").split("; ") if mark]
    return f"| {shown} | {_cell(text)} {' '.join(f'*{_cell(mark)}.*' for mark in marks)} |"


def _sentence(mark: str) -> str:
    """What the help says between brackets: 'default: 8', 'x<=1000', 'required'."""
    said = mark.replace("x<=", "at most ")
    return said[0].upper() + said[1:]


def _cell(text: str) -> str:
    """A text inside a table."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")


# reference


def doors() -> list[str]:
    """The modules that have a page: those and the packages right below the three packages, and one below theory."""
    found = []
    for package in ("percolation", "percolation.theory", "empirical", "empirical.experiments", "papers"):
        found += [f"{package}.{name}" for name in _below(package)]
    return [name for name in found if name not in ("percolation.theory", "empirical.experiments")]


def _place(name: str) -> tuple[str, str, str]:
    """Section, title and page of a module."""
    return *name.rpartition(".")[::2], f"reference/{name}.md"


def reference_page() -> str:
    """All of these with their first line."""
    parts = ["# Reference", "Modules are the namespaces: `from percolation import lattices, sweeps`."]
    for package in ("percolation", "empirical", "papers"):
        names = [name for name in doors() if name.startswith(package)]
        rows = [f"| [`{name}`]({name}.md) | {_cell(_first_line(name))} |" for name in names]
        parts.append(f"## {package}\n\n| module | |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def module_page(name: str) -> str:
    """What a module offers; of a package what its door names, or all its modules."""
    parts = [f"# {name}", f"::: {name}\n    options:\n      show_root_heading: false\n      show_root_toc_entry: false"]
    folder = ROOT / name.replace(".", "/")
    if folder.is_dir():
        named = "__all__" in (folder / "__init__.py").read_text()
        inner = FURTHER.get(name, ()) if named else _below(name)
        parts += [f"::: {name}.{one}\n    options:\n      show_root_full_path: true" for one in inner]
    return "\n\n".join(parts) + "\n"


def _below(package: str) -> list[str]:
    found = iter_modules([str(ROOT / package.replace(".", "/"))])
    return [one.name for one in found if not one.name.startswith("_") and one.name not in UNTOLD]


def _first_line(name: str) -> str:
    path = ROOT / name.replace(".", "/")
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    said = re.match(r'"""(.*?)(?:\.\s|:\s|\n\n|""")', text, re.DOTALL)
    return said[1] if said else ""
