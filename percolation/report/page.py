"""The page: a section an experiment, written whole or not at all."""

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from html import escape
from pathlib import Path

from percolation import files
from percolation.report import figures
from percolation.runs import tools
from percolation.runs.ensemble import Case, Ensemble, from_store
from percolation.runs.store import Store
from percolation.runs.tasks import KINDS

MOST = 300  # rows of a table: what a browser sorts at once and a reader still scrolls
STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 0 auto; padding: 1rem }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 3rem; border-bottom: 1px solid #8886 }
.figures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)) }
figure { margin: 0 } figure svg { width: 100%; height: auto; max-width: 34rem } figcaption { opacity: .75 }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #8884; text-align: left; white-space: nowrap }
.n { text-align: right } th button { font: inherit; font-weight: 600; background: none; border: 0; cursor: pointer }
th[aria-sort=ascending] button::after { content: " \\2191" }
th[aria-sort=descending] button::after { content: " \\2193" }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem }
@media print { body { max-width: none } figure, tr { break-inside: avoid } }
"""
SCRIPT = """
for (const button of document.querySelectorAll("th button")) button.onclick = () => {
  const th = button.parentNode, body = th.closest("table").tBodies[0], k = th.cellIndex;
  const sign = th.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of th.parentNode.cells) other.setAttribute("aria-sort", "none");
  th.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const value = row => row.cells[k].dataset.value ?? row.cells[k].textContent;
  const number = text => text.trim() === "" ? NaN : Number(text);
  const order = (a, b) => {
    const x = number(a), y = number(b);
    if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y) || a.localeCompare(b);
    return x - y;
  };
  body.append(...[...body.rows].sort((a, b) => sign * order(value(a), value(b))));
};
"""


def write(
    store: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    experiment: str | None = None,
    code: str | None = None,
) -> Path:
    """The report on one experiment, or on all of the store, by one version of the code, default each one's newest."""
    with Store(store, read_only=True) as opened:
        names = tools.names(opened) if experiment is None else [experiment]
        sections = [_section(opened, name, code or tools.latest_code(opened, name), str(store)) for name in names]
    with files.appearing(out) as temporary:
        temporary.write_text(_page(Path(store).name, sections), encoding="utf-8")
    return Path(out)


def _page(name: str, sections: list[str]) -> str:
    digest = base64.b64encode(sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)}</title><style>{STYLE}</style></head>\n<body><h1>{escape(name)}</h1>\n"
        f"{''.join(sections) or '<p>No experiments.</p>'}<script>{SCRIPT}</script></body></html>\n"
    )


def _section(store: Store, name: str, code: str, path: str) -> str:
    chosen = store.with_code(code)
    found = _ordered(from_store(chosen, name))
    rows = found.table()
    export = f"All results, a row each: percolation runs export {path} results.csv --experiment {name}"
    drawn = "".join(figures.means(found, name))
    return (
        f"<section><h2>{escape(name) or 'unnamed'}</h2>\n<p>Code {escape(code)}; {found.n_found} results in "
        f"{len(found.cases)} cases, {sum(sum(case.failed.values()) for case in found.cases)} failed.</p>"
        f'<div class="figures">{drawn}</div>\n<h3>Cases</h3>'
        f"{table([str(one) for one in rows.columns], rows.astype(object).values.tolist(), export)}"
        f"{_failures(found, path)}{_apart(found)}{_provenance(chosen)}</section>\n"
    )


def _ordered(found: Ensemble) -> Ensemble:
    """Its cases by their parameters, numbers as numbers."""

    def place(case: Case) -> list[tuple[str, int, float, str]]:
        values = sorted(case.parameters.items())
        return [(name, 0, one, "") if figures.is_number(one) else (name, 1, 0, str(one)) for name, one in values]

    return replace(found, cases=tuple(sorted(found.cases, key=place)))


def _failures(found: Ensemble, path: str) -> str:
    if not found.failures:
        return ""
    columns = ["kind", "parameters", "realisation", "message"]
    rows = [[one.kind, dict(one.task.parameters), one.task.realisation, one.message] for one in found.failures]
    first = "".join(f"<pre>{escape(one.traceback)}</pre>" for one in found.failures[:3] if one.traceback)
    kinds = {one.kind for one in found.failures}
    words = "; ".join(f"{escape(kind)}: {meaning}" for kind, meaning in KINDS.items() if kind in kinds)
    return f"<h3>Failures</h3><p>{words}</p>{table(columns, rows, f'The rest is in {path}.')}{first}"


def _apart(found: Ensemble) -> str:
    if not found.kept_apart:
        return ""
    return "<h3>Kept apart: results of other code</h3>" + table(["code", "results"], list(found.kept_apart.items()))


def _provenance(store: Store) -> str:
    machines = tools.machines(store)
    made = "".join(f"<pre>{escape(json.dumps(record, indent=1, sort_keys=True))}</pre>" for record in machines)
    return f"<h3>Provenance</h3>{made}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], more: str = "") -> str:
    """An HTML table that sorts by its headings, all of it escaped; more: how to see the rows beyond the first 300."""
    head = "".join(f'<th scope="col" aria-sort="none"><button>{escape(one)}</button></th>' for one in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows[:MOST])
    cut = f"<p>The first {MOST} of {len(rows)} rows. {escape(more)}</p>" if len(rows) > MOST else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>{cut}'


def _cell(value: object) -> str:
    if isinstance(value, float):  # the full digits sort, the short ones are read
        return f'<td class="n" data-value="{value!r}">{value:.6g}</td>'
    kind = ' class="n"' if isinstance(value, int) else ""
    return f"<td{kind}>{escape(str(value))}</td>"
