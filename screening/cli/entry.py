"""The console script `winnow`: make sure that the installed packages are ours, then run the command."""

from __future__ import annotations

import json
import sys

from screening.errors import WinnowError
from screening.guard import check_places


def main() -> None:
    """Run the `winnow` command."""
    try:
        check_places()
    except WinnowError as error:
        print(f"winnow: {error}", file=sys.stderr)  # noqa: T201 - nothing else of ours may be imported yet
        if "--json" in sys.argv:
            print(json.dumps(error.as_data(), ensure_ascii=False))  # noqa: T201
        sys.exit(int(error.exit_code))
    from screening.cli.tree import VERBS, tree

    asked = sys.argv[1:2]
    tree(asked if set(asked) & set(VERBS) else VERBS)()
