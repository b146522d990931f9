"""Write the comments of config.yaml from the settings' own descriptions, so that the two cannot differ.

    python tools/comment_config.py            rewrite config.yaml
    python tools/comment_config.py --check    only say whether it would change (exit 1)

Values, order and blank lines stay as they are. A comment that stands directly above a setting or after its value is
replaced; a comment with a blank line below it, and those inside tables, stay.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml

from screening.settings import Settings, descriptions
from screening.settings.describe import section_meanings

CONFIG = Path(__file__).resolve().parent.parent / "config.yaml"
WIDTH = 120


def commented(text: str) -> str:
    """Return the text of config.yaml with its comments written anew."""
    comments = {item.key: f"{item.meaning}; {item.allowed}" for item in descriptions(Settings)}
    sections = {key: meaning.rstrip(".") for key, meaning in section_meanings(Settings)}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    places = {line: (key, code) for line, key, code in _keys(root, text.splitlines(), "", {*sections})}
    lines: list[str] = []
    for number, line in enumerate(text.splitlines()):
        if number not in places:
            lines.append(line)
            continue
        key, code = places[number]
        while lines and lines[-1].lstrip().startswith("#"):
            lines.pop()
        lines += _with_comment(code, {**comments, **sections}[key])
    return "\n".join(lines) + "\n"


def _keys(node: yaml.MappingNode, lines: list[str], prefix: str, sections: set[str]) -> Iterator[tuple[int, str, str]]:
    """Yield (line, dotted key, the line without its comment) for every section and setting."""
    for key_node, value_node in node.value:
        key, line = f"{prefix}{key_node.value}", key_node.start_mark.line
        ends_here = value_node.end_mark.line == line and value_node.end_mark.column > key_node.end_mark.column
        width = value_node.end_mark.column if ends_here else key_node.end_mark.column + 1
        opens_here = (
            not ends_here and value_node.start_mark.line == line and isinstance(value_node, yaml.CollectionNode)
        )
        yield line, key, lines[line] if opens_here else lines[line][:width]
        if key in sections:
            yield from _keys(value_node, lines, f"{key}.", sections)


def _with_comment(code: str, comment: str) -> list[str]:
    line = f"{code} # {comment}"
    if len(line) <= WIDTH:
        return [line]
    indent = code[: len(code) - len(code.lstrip())] + "# "
    return [*textwrap.wrap(comment, WIDTH, initial_indent=indent, subsequent_indent=indent), code]


def main() -> int:
    """Rewrite or check config.yaml; return the exit status."""
    before = CONFIG.read_text(encoding="utf-8")
    after = commented(before)
    if "--check" in sys.argv:
        if before != after:
            print("The comments of config.yaml differ from the settings. Run: make settings")
        return int(before != after)
    CONFIG.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
