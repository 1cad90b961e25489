"""Tables of a page: everything escaped, long ones cut with a note."""

from collections.abc import Sequence
from html import escape

MOST = 300  # rows of a table: what a browser sorts at once and a reader still scrolls


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], more: str = "") -> str:
    """An HTML table that sorts by its headings; more: how to see the rows beyond the first 300."""
    head = "".join(f'<th scope="col" aria-sort="none"><button>{escape(one)}</button></th>' for one in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows[:MOST])
    cut = f"<p>The first {MOST} of {len(rows)} rows. {escape(more)}</p>" if len(rows) > MOST else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>{cut}'


def _cell(value: object) -> str:
    if isinstance(value, float):  # the full digits sort, the short ones are read
        return f'<td class="n" data-value="{value!r}">{value:.6g}</td>'
    kind = ' class="n"' if isinstance(value, int) else ""
    return f"<td{kind}>{escape(str(value))}</td>"
