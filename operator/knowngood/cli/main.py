"""The command `knowngood`. A command is a module of its own, which imports what it needs when it runs."""

import signal
import sys

import typer

from knowngood import __version__
from knowngood.cli.backtest.command import backtest

app = typer.Typer(
    name="knowngood",
    help="AI incident response for Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("backtest", no_args_is_help=True)(backtest)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"knowngood {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """AI incident response for Kubernetes."""


def main() -> None:
    """Entry point of `knowngood`. What a command started is ended with it, by SIGTERM too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    app()


if __name__ == "__main__":
    main()
