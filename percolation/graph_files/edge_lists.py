"""Edge lists: two names a line, or two columns of a table."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from percolation import checks
from percolation.graph_files.parts import Listed, Parts

COMMENTS = ("#", "%")
SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas"}
QUOTED = re.compile(r'"[^"]*"')
BLANK_FIELD = re.compile(r'"([^"]*)"(?!\S)|(\S+)')
ATTRIBUTES = re.compile(r"\s\{.*\}\s*$")  # networkx's, behind an edge
TWO_INTEGERS = re.compile(r"\s*\d+\s+\d+")
INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
# how columns of the two ends are called, in small letters without _ and blanks
ENDS = (
    ("source", "target"),
    ("from", "to"),
    ("src", "dst"),
    ("sourceid", "targetid"),
    ("fromid", "toid"),
    ("fromnode", "tonode"),
    ("fromnodeid", "tonodeid"),
    ("node1", "node2"),
    ("id1", "id2"),
    ("nodea", "nodeb"),
    ("start", "end"),
    ("u", "v"),
    ("i", "j"),
)
Row = tuple[int, list[str]]  # number of the line, its fields


def text(content: str, header: bool | None) -> Listed:
    """Edges of a text; header: whether its first line names the columns, None to look."""
    lines = [(k, line) for k, line in enumerate(io.StringIO(content, newline=None), start=1) if line.strip()]
    comments = [line.strip() for _, line in lines if line.lstrip().startswith(COMMENTS)]
    lines = [(k, line) for k, line in lines if not line.lstrip().startswith(COMMENTS)]
    remarks = []
    if comments:
        remarks.append(f"lines that begin with # or % and were skipped: {len(comments)}, the first {comments[0]!r:.80}")
    if any(ATTRIBUTES.search(line) for _, line in lines):
        lines = [(k, ATTRIBUTES.sub("", line)) for k, line in lines]
        remarks.append("attributes {...} behind the edges are not read")
    separator = _separator(lines)
    rows = [(k, _fields(k, line, separator)) for k, line in lines]
    _refuse_matrix(rows)
    rows, first, second, said = _without_header(rows, header)
    pairs = [_pair(row, first, second) for row in rows]
    if not pairs:
        raise ValueError("it holds no edge; expected two names a line")
    return _konect(comments, Listed(pairs, remarks + said + _further_columns(rows, first, second)))


def _refuse_matrix(rows: Sequence[Row]) -> None:
    """n > 2 lines of n numbers, of 0 and 1 alone or symmetric with an empty diagonal, are no edges."""
    n = len(rows)
    if n < 3 or any(len(fields) != n for _, fields in rows):
        return
    try:
        matrix = np.array([fields for _, fields in rows], dtype=float)
    except ValueError:
        return
    if np.isin(matrix, (0, 1)).all() or (np.array_equal(matrix, matrix.T) and not matrix.diagonal().any()):
        raise ValueError(
            f"{n} lines of {n} numbers are an adjacency matrix, no list of edges; in Python: "
            "graphs.from_sparse(scipy.sparse.csr_array(numpy.loadtxt(FILE)))"
        )


def parquet(content: bytes) -> Listed:
    """Edges of a table in Parquet: the columns named as ends, or its two columns."""
    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(content))
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow: pip install 'highdim-percolation[parquet]'") from error
    except Exception as error:  # of a damaged file pyarrow raises many kinds
        raise ValueError(f"not Parquet that pandas reads: {error}") from error
    names = [str(column) for column in table.columns]
    ends = _ends(names)
    if ends is None and len(names) != 2:
        raise ValueError(f"which columns are the ends of an edge? got {', '.join(names)}; name them source and target")
    columns = [table.iloc[:, at] for at in ends or (0, 1)]
    for column in columns:
        if column.isna().any():
            raise ValueError(f"row {int(column.isna().to_numpy().argmax())} of column {column.name!r} is empty")
    first, second = ([str(one) for one in column] for column in columns)
    if not first:
        raise ValueError("it holds no edge")
    said = f"edges from column {columns[0].name!r} to column {columns[1].name!r} of {', '.join(names)}"
    return Listed(list(zip(first, second, strict=True)), [said])


def numbered(listed: Listed, n_sites: int | None, nodes: Sequence[str] | None) -> Parts:
    """Sites in place of names: the nodes given, the integers in their order, or the names as they come."""
    seen = list(dict.fromkeys(chain.from_iterable(listed.pairs)))
    names, remarks = (_given(seen, nodes), []) if nodes is not None else _ordered(seen, n_sites or listed.n_sites)
    if n_sites is not None and checks.integer("n_sites", n_sites, at_least=1) != len(names):
        raise ValueError(f"n_sites={n_sites}, but there are {len(names)} nodes; give at least so many")
    number = {name: site for site, name in enumerate(names)}
    ends = np.fromiter((number[name] for name in chain.from_iterable(listed.pairs)), dtype=np.int64)
    return Parts(names, ends.reshape(-1, 2), listed.remarks + remarks)


def _given(seen: list[str], nodes: Sequence[str]) -> list[str]:
    names = [str(name) for name in nodes]
    known = set(names)
    if len(known) != len(names):
        raise ValueError(f"node {next(name for name in names if names.count(name) > 1)!r} is listed twice")
    for name in seen:
        if name not in known:
            raise ValueError(f"an edge leads to {name!r}, which is not among the {len(names)} nodes listed")
    return names


def _ordered(seen: list[str], n_sites: int | None) -> tuple[list[str], list[str]]:
    """Names of the sites, up to n_sites where that is more; and what is to be said of them."""
    more = 0 if n_sites is None else checks.integer("n_sites", n_sites, at_least=1) - len(seen)
    if more > 0:
        checks.memory(f"n_sites={n_sites}", 100.0 * more, "reduce n_sites")
    if not all(INTEGER.fullmatch(name) for name in seen):
        taken = [f"sites added without an edge: {more}"] if more > 0 else []
        return seen + [f"(no edge {k})" for k in range(1, more + 1)], taken
    numbers = sorted(int(name) for name in seen)
    first = 0 if numbers[0] == 0 else 1
    if more > 0 and numbers[0] >= 0 and numbers[-1] < first + len(seen) + more:
        inside = [str(number) for number in range(first, first + len(seen) + more)]
        return inside, [f"sites are the integers {inside[0]} ... {inside[-1]}, {more} of them without an edge"]
    names = [str(number) for number in numbers]
    if more > 0:
        return names + [f"(no edge {k})" for k in range(1, more + 1)], [f"sites added without an edge: {more}"]
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if not missing:
        return names, []
    said = f"of the integers {names[0]} ... {names[-1]} {missing} are in no edge and are no sites; n_sites keeps them"
    return names, [said]


def _separator(lines: Sequence[tuple[int, str]]) -> str | None:
    """What stands between the names on every line; None for blanks."""
    bare = [(k, QUOTED.sub("", line).strip()) for k, line in lines]
    for separator in SEPARATORS:
        if bare and all(separator in line for _, line in bare):
            # 1 2 0,5 has a decimal comma
            if separator == "\t" or not all(TWO_INTEGERS.match(line) for _, line in bare):
                return separator
    for k, line in bare:
        if "\t" in line and any(" " in name.strip() for name in line.split("\t")[:2]):
            raise ValueError(
                f"line {k}: names with blanks between tabs, but other lines have no tab; use one separator"
            )
        for name in line.split()[:2]:
            if ";" in name or "," in name:
                mark = "," if "," in name else ";"
                without = next((other for other, line in bare if mark not in line), None)
                if without is not None:
                    raise ValueError(
                        f"line {k} has {SEPARATORS[mark]}, line {without} has none; use one separator on all lines"
                    )
    return None


def _fields(k: int, line: str, separator: str | None) -> list[str]:
    if separator is None:
        fields = [quoted or plain for quoted, plain in BLANK_FIELD.findall(line)]
        return fields[: next((at for at, one in enumerate(fields) if one.startswith("#")), None)]
    if '"' not in line:
        return [one.strip() for one in line.split(separator)]
    try:
        (row,) = csv.reader([line.strip("\r\n")], delimiter=separator, skipinitialspace=True, strict=True)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"line {k}: {error}") from error
    return [one.strip() for one in row]


def _pair(row: Row, first: int, second: int) -> tuple[str, str]:
    k, fields = row
    if len(fields) == 1:
        raise ValueError(f"line {k}: an edge is two names, got only {fields[0]!r}; nodes without one go in by n_sites")
    names = [fields[at] if at < len(fields) else "" for at in (first, second)]
    if not all(names):
        raise ValueError(f"line {k}: an edge is two names, got {names[0]!r} and {names[1]!r}")
    return names[0], names[1]


def _without_header(rows: list[Row], header: bool | None) -> tuple[list[Row], int, int, list[str]]:
    """Rows below the line of column names, columns of the two ends, and what is to be said of that line."""
    if not rows or header is False:
        return rows, 0, 1, []
    k, head = rows[0]
    ends = _ends(head)
    first, second = ends or (0, 1)
    below = {fields[at] for _, fields in rows[1:] for at in (first, second) if at < len(fields)}
    alone = not {head[at] for at in (first, second) if at < len(head)} & below
    numbers = bool(below) and all(INTEGER.fullmatch(name) for name in below)
    named = len(head) > 1 and not any(INTEGER.fullmatch(head[at]) for at in (first, second))
    if header or (named and alone and (ends is not None or numbers)):
        said = f"line {k} was taken as column names: {', '.join(head)}; edges lead from {head[first]} to {head[second]}"
        return rows[1:], first, second, [said] if len(head) > 1 else []
    if named and alone and below:
        said = (
            f"line {k} was taken as an edge, from {head[0]!r} to {head[1]!r}, not as column names (header says which)"
        )
        return rows, 0, 1, [said]
    return rows, 0, 1, []


def _ends(head: Iterable[str]) -> tuple[int, int] | None:
    """Columns of the two ends, by their usual names."""
    names = [re.sub(r"[\s_]", "", name.lower()) for name in head]
    for first, second in ENDS:
        if names.count(first) == names.count(second) == 1:
            return names.index(first), names.index(second)
    return None


def _further_columns(rows: list[Row], first: int, second: int) -> list[str]:
    widths = {len(fields) for _, fields in rows}
    if max(widths) == 2:
        return []
    k, fields = next(row for row in rows if len(row[1]) > 2)
    further = [one for at, one in enumerate(fields) if at not in (first, second)]
    said = f"further columns are not read (line {k}: {', '.join(map(repr, further)):.60})"
    if len(widths) > 1:
        said += (
            f"; lines have {min(widths)} to {max(widths)} columns: is this a list of neighbours? It was not taken so"
        )
    return [said]


def _konect(comments: list[str], listed: Listed) -> Listed:
    """What KONECT's first lines add: `% bip ...`, two kinds of nodes; `% edges nodes nodes`, how many."""
    kind = re.match(r"%\s*(sym|asym|bip)\b", comments[0]) if comments else None
    if not kind:
        return listed
    sizes = re.fullmatch(r"%\s*(\d+)\s+(\d+)\s+(\d+)\s*", comments[1]) if len(comments) > 1 else None
    remarks = listed.remarks
    if sizes and int(sizes[1]) != len(listed.pairs):
        remarks = [*remarks, f"the header says {sizes[1]} edges, there are {len(listed.pairs)} lines of them"]
    if kind[1] == "bip":
        pairs = [(f"left {a}", f"right {b}") for a, b in listed.pairs]
        said = "two kinds of nodes (bip): names on the left and on the right are different nodes"
        return Listed(pairs, [*remarks, said], int(sizes[2]) + int(sizes[3]) if sizes else None)
    return Listed(listed.pairs, remarks, int(sizes[2]) if sizes else None)
