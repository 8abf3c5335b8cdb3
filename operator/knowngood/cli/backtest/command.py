"""`knowngood backtest`: the options. What they need is imported when they are used, so that `--help` is quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from knowngood.cli.backtest.request import Request
from knowngood.cli.errors import InputError

AS_EXPECTED, NOT_AS_EXPECTED, BAD_INPUT = 0, 1, 2
_SOURCE, _MODELS, _SHOWN = "Where the history is", "Which models", "What is shown"
Texts = list[str] | None


def backtest(
    policy: Annotated[Path, typer.Argument(help="A file with one IncidentPolicy; ModelDeployments beside it count.")],
    prometheus: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Prometheus, or what speaks its API.", rich_help_panel=_SOURCE),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(help="OpenMetrics text or CSV with timestamps instead.", rich_help_panel=_SOURCE),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="RFC 3339, or so long before --until. Default: 30d; all of the samples."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Default: now; the end of the samples.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Of a policy that names none.")] = None,
    signal: Annotated[Texts, typer.Option(metavar="NAME", help="Only this signal; repeatable.")] = None,
    model: Annotated[
        Texts,
        typer.Option(
            metavar="NAME",
            help="NAME or name=…,LABEL=VALUE…; repeatable. Default: every model that the series name.",
            rich_help_panel=_MODELS,
        ),
    ] = None,
    models: Annotated[Path | None, typer.Option(help="A file with ModelDeployments.", rich_help_panel=_MODELS)] = None,
    incident: Annotated[
        Texts,
        typer.Option(
            metavar="[MODEL=]START[/END]", help="An incident that happened, for delay and false alarms; repeatable."
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            metavar="[SIGNAL.]FIELD[=V,…]", help="Also with other values of a detector's field, e.g. falseAlarmEvery."
        ),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            metavar="none|incidents|any|N", help="What exit code 0 means. Default: none; with --incident: incidents."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="text|json", rich_help_panel=_SHOWN, help="Standard output's form.")
    ] = "text",
    svg: Annotated[Path | None, typer.Option(help="Also a picture, into this file.", rich_help_panel=_SHOWN)] = None,
    header: Annotated[
        Texts, typer.Option(metavar="NAME=VALUE", help="E.g. X-Scope-OrgID=vision.", rich_help_panel=_SOURCE)
    ] = None,
    param: Annotated[
        Texts, typer.Option(metavar="NAME=VALUE", help="A further query parameter.", rich_help_panel=_SOURCE)
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file that holds a bearer token.", rich_help_panel=_SOURCE)
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="PEM of the authorities that sign its certificate.", rich_help_panel=_SOURCE)
    ] = None,
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="Of one request.", rich_help_panel=_SOURCE)] = "2m",
) -> None:
    """What an IncidentPolicy would have opened over a history, when, and how late.

    Exit codes: 0 as expected, 1 not as expected, 2 the question cannot be answered.
    """
    asked = Request(
        policy=policy,
        prometheus=prometheus,
        samples=samples,
        since=since,
        until=until,
        namespace=namespace,
        signals=tuple(signal or ()),
        models=tuple(model or ()),
        models_file=models,
        incidents=tuple(incident or ()),
        sweep=sweep,
        expect=expect,
        output=output,
        svg=svg,
        headers=tuple(header or ()),
        params=tuple(param or ()),
        token_file=token_file,
        ca_file=ca_file,
        timeout=timeout,
    )
    try:
        met = _show(asked)
    except InputError as error:
        typer.echo(f"knowngood backtest: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from None
    raise typer.Exit(AS_EXPECTED if met else NOT_AS_EXPECTED)


def _show(asked: Request) -> bool:
    """Answer, and show it; whether it came out as expected. Raises InputError."""
    if asked.output not in ("text", "json"):
        raise InputError(f"--output {asked.output}: write text or json")
    if asked.svg is not None and not asked.svg.absolute().parent.is_dir():
        raise InputError(f"--svg {asked.svg}: there is no such directory")
    from knowngood.cli.backtest import machine, picture, terminal
    from knowngood.cli.backtest.run import backtest as answered

    with terminal.progress(sys.stderr) as progress:
        answer = answered(asked, progress)
    if asked.svg is not None:
        try:
            asked.svg.write_text(picture.svg(answer), encoding="utf-8")
        except OSError as error:
            raise InputError(f"--svg {asked.svg}: {error.strerror}") from None
    if asked.output == "json":
        typer.echo(machine.text(answer))
    else:
        terminal.show(answer, sys.stdout)
    return answer.met
