"""A table of a paper as LaTeX (booktabs) and as Markdown: the same cells, generated from data."""

import re
from dataclasses import dataclass

from papers.figure import tex

NUMBER = re.compile(r"[-+]?\d[\d.e+-]*(\(\d+\))?|--|\d+ of \d+")
FORMULAE = {"d": "$d$", "n": "$n$", "p": "$p$", "p_c": r"$p_c$", "p > p_c": r"$p > p_c$"}  # of a header


@dataclass(frozen=True)
class Table:
    """Cells as text, a header, and what they are."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def booktabs(table: Table, label: str) -> str:
    """A floating table; needs \\usepackage{booktabs}. Columns of numbers stand to the right."""
    lines = [
        r"\begin{table*}",
        r"\centering\small",
        rf"\caption{{{tex(table.title)}.}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{''.join('r' if numbers else 'l' for numbers in _numeric(table))}}}",
        r"\toprule",
        " & ".join(FORMULAE.get(name, tex(name)) for name in table.header) + r" \\",
        r"\midrule",
        *(" & ".join(map(tex, row)) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def markdown(table: Table) -> str:
    """A pipe table."""
    rule = ["---:" if numbers else "---" for numbers in _numeric(table)]
    lines = [table.header, rule, *table.rows]
    cells = "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
    return f"{table.title}.\n\n{cells}\n"


def _numeric(table: Table) -> list[bool]:
    """Which columns hold numbers only."""
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.header)
    return [all(NUMBER.fullmatch(cell) for cell in column) for column in columns]
