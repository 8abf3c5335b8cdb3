"""Writes the rules of the operator's Role into the chart: `python -m knowngood.shell.rights [ROOT]`."""

import sys
from pathlib import Path
from typing import Final

import yaml

from knowngood.core.response.rights import rules, template_rules

FILE: Final = Path("charts/knowngood/files/rules.yaml")
TEMPLATES: Final = Path("charts/knowngood/files/rules-of-templates.yaml")
HEADER: Final = "# Written by `make generate` from the rights that each action declares. Do not edit.\n"


def documents() -> dict[Path, str]:
    """The rules as YAML, by file: of every namespace, and of those whose Job templates are allowed."""
    made = {FILE: rules(), TEMPLATES: template_rules()}
    return {
        path: HEADER + yaml.safe_dump(found, sort_keys=False, default_flow_style=None, width=110)
        for path, found in made.items()
    }


def main() -> int:
    """Write below the directory named, default the current one."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for path, text in documents().items():
        (root / path).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
