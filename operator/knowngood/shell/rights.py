"""Writes the rules of the operator's Role into the chart: `python -m knowngood.shell.rights [ROOT]`."""

import sys
from pathlib import Path
from typing import Final

import yaml

from knowngood.core.response.rights import rules

FILE: Final = Path("charts/knowngood/files/rules.yaml")
HEADER: Final = "# Written by `make generate` from the rights that each action declares. Do not edit.\n"


def document() -> str:
    """The rules as YAML."""
    return HEADER + yaml.safe_dump(rules(), sort_keys=False, default_flow_style=None, width=110)


def main() -> int:
    """Write below the directory named, default the current one."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    (root / FILE).write_text(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
