"""Docstrings of the package as Markdown, for the reference: arguments as a list, formulas as they stand.

An extension of griffe, which reads the sources without importing them; named in mkdocs.yml.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from griffe import Attribute, Class, Extension, Function, Object

ITEM = re.compile(r"(\w+(?:, \*{0,2}\w+)*): ")
# words that begin a paragraph of their own
PARAGRAPH = re.compile(r"(Returns?|Yields|Raises|Error|Errors|Source|Sources|Memory|Cost|Example|Examples|Words)\b")


class Markdown(Extension):
    """Rewrite each docstring once it is read; fields of a dataclass go into that of the class, with their comments."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            arguments = [one.name for one in obj.parameters] if isinstance(obj, Function) else []
            obj.docstring.value = markdown(obj.docstring.value, arguments)

    def on_class(self, *, cls: Class, **kwargs: Any) -> None:
        if "dataclass" in cls.labels and cls.docstring is not None:
            cls.docstring.value += "\n" + "\n".join(["", *map(_item, _fields(cls))])


def markdown(text: str, arguments: Sequence[str] = ()) -> str:
    """The same words; `name: what it is` becomes an item where it begins a line or is one of the arguments.

    Characters that Markdown reads are escaped.
    """
    if arguments:
        text = re.sub(rf"(?<=[.;)]) (?=(?:{'|'.join(map(re.escape, arguments))}): )", "\n", text)
    lines: list[str] = []
    in_item = False
    for line in text.splitlines():
        if not line.strip() or line.startswith("    "):
            in_item = in_item and bool(line.strip())
            lines.append(line)
            continue
        item = ITEM.match(line)
        if item and item[1][0].islower():
            lines += [] if in_item else [""]
            lines.append(f"- `{item[1]}`: {_escaped(line[item.end() :])}")
            in_item = True
        elif PARAGRAPH.match(line):
            lines += ["", _escaped(line)]
            in_item = False
        else:
            lines.append(("  " if in_item else "") + _escaped(line.strip()))
    return "\n".join(lines)


def _escaped(line: str) -> str:
    """Outside of `code`, which stays."""
    parts = re.split(r"(`[^`]*`)", line)
    parts[::2] = [re.sub(r"([*_\[\]])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return re.sub(r"^([#+-]|\d+\.)(?=\s)", r"\\\1", "".join(parts))


def _fields(cls: Class) -> list[Attribute]:
    """The public fields of a dataclass, after those of its private bases in the same module."""
    inherited = [cls.parent.members.get(str(base).split(".")[-1]) for base in cls.bases] if cls.parent else []
    found = [one for base in inherited if isinstance(base, Class) and base.name[0] == "_" for one in _fields(base)]
    own = [one for one in cls.members.values() if isinstance(one, Attribute) and one.annotation is not None]
    return found + [one for one in own if one.name[0] != "_" and "property" not in one.labels]


def _item(field: Attribute) -> str:
    return f"- `{field.name}`: `{field.annotation}`. {_escaped(_comment(field))}"


def _comment(field: Attribute) -> str:
    """The comment behind a field, or the lines of comment right above it."""
    assert isinstance(field.filepath, Path) and field.lineno is not None and field.endlineno is not None
    lines = field.filepath.read_text().splitlines()
    behind = re.search(r"\s{2}#\s(.*)$", lines[field.endlineno - 1])
    above: list[str] = []
    for line in reversed(lines[: field.lineno - 1]):
        if not line.strip().startswith("# "):
            break
        above.insert(0, line.strip()[2:])
    return "; ".join([*filter(None, [" ".join(above)]), *([behind[1]] if behind else [])])
