"""A backtest's answer as JSON, for machines; documented in docs/reference/backtest.md."""

from collections.abc import Sequence
from typing import Any

import orjson

from knowngood.cli.backtest.answer import Answer, Sweep
from knowngood.core.backtest.ledger import Track
from knowngood.core.backtest.openings import Opening
from knowngood.core.backtest.score import Found, Outcome, Score
from knowngood.core.facts.clock import format_time


def text(answer: Answer) -> str:
    """The answer; times in RFC 3339, durations in seconds."""
    return orjson.dumps(content(answer), option=orjson.OPT_INDENT_2).decode()


def content(answer: Answer) -> dict[str, Any]:
    """As JSON data."""
    return {
        "policy": answer.policy,
        "namespace": answer.namespace,
        "source": answer.source,
        "from": format_time(answer.first),
        "to": format_time(answer.last),
        "intervalSeconds": answer.interval,
        "polls": answer.polls,
        "models": [{"name": name, "from": format_time(at)} for name, at in sorted(answer.since.items())],
        "signals": [_signal(model, signal, track) for model, signal, track in answer.ledger.words()],
        "openings": [_opening(o, answer) for o in answer.openings],
        "incidents": [_incident(f) for f in answer.score.found],
        "summary": _summary(answer.openings, answer.score, answer),
        "sweep": _sweep(answer.sweep, answer) if answer.sweep else None,
        "expected": answer.expected,
        "asExpected": answer.met,
        "notes": list(answer.notes),
    }


def _signal(model: str, signal: str, track: Track) -> dict[str, Any]:
    return {
        "model": model,
        "signal": signal,
        "detector": track.detector,
        "armedAt": None if track.armed is None else format_time(track.armed),
        "seconds": {word: track.words[word] for word in sorted(track.words)},
    }


def _opening(opening: Opening, answer: Answer) -> dict[str, Any]:
    end = answer.last if opening.end is None else opening.end
    return {
        "model": opening.model,
        "type": opening.type,
        "severity": opening.severity,
        "openedAt": format_time(opening.at),
        "endedAt": None if opening.end is None else format_time(opening.end),
        "lengthSeconds": end - opening.at,
        "release": opening.release,
        "signals": [
            {
                "signal": f.signal,
                "firstBreachAt": format_time(f.at),
                "reason": f.reason,
                "value": f.value,
                "threshold": f.threshold,
                "segment": dict(f.segment),
            }
            for f in opening.fired
        ],
        "falseAlarm": _is_false(opening, answer) if answer.labelled else None,
    }


def _is_false(opening: Opening, answer: Answer) -> bool:
    return any(opening is false for false in answer.score.false_alarms)


def _incident(found: Found) -> dict[str, Any]:
    known = found.known
    return {
        "model": known.model or None,
        "start": format_time(known.start),
        "end": None if known.end is None else format_time(known.end),
        "outcome": found.outcome.value,
        "delaySeconds": found.delay,
        "openedAt": [format_time(o.at) for o in found.openings],
    }


def _summary(openings: Sequence[Opening], score: Score, answer: Answer) -> dict[str, Any]:
    counted: dict[str, Any] = {"openings": len(openings), "watchedSeconds": answer.watched}
    if answer.labelled:
        counted |= {
            "falseAlarms": len(score.false_alarms),
            "found": score.count(Outcome.FOUND),
            "missed": score.count(Outcome.MISSED),
            "alreadyOpen": score.count(Outcome.ALREADY_OPEN),
            "meanDelaySeconds": score.mean_delay,
        }
    return counted


def _sweep(sweep: Sweep, answer: Answer) -> dict[str, Any]:
    return {
        "field": sweep.field,
        "signals": list(sweep.signals),
        "values": [
            {"value": t.value, "asWritten": t.written, **_summary(t.openings, t.score, answer)} for t in sweep.values
        ],
    }
