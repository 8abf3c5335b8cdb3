"""How long each running release was seen healthy, counted once a tick."""

import numpy as np
from numpy.typing import NDArray

from knowngood.api.durations import seconds
from knowngood.api.observed import Verdict
from knowngood.core.incidents.releases import SOAK_PARTS
from knowngood.shell.board import Columns, ModelBoard
from knowngood.shell.subjects import Subject


def watch(columns: Columns, board: ModelBoard, subject: Subject) -> None:
    """Note which release's time is counted from now on, and whether it counts, for as long as no verdict changes."""
    running, row = subject.running, board.row
    for view in board.views.values():
        if view.judgement.verdict is Verdict.BREACH and view.judgement.digest:
            board.distrust(view.judgement.digest)
    columns.sound[row] = len(running) == 1 and board.all_healthy and not board.lags_behind(running)
    if not columns.sound[row]:
        return
    digest = next(iter(running))
    if digest not in board.healthy_for:
        noted = next((r.healthy_for for r in subject.model.status.releases if r.digest == digest), None)
        board.count(digest, seconds(noted) if noted else 0.0)
    else:
        board.count(digest)
    columns.soak[row] = subject.soak


def advance(columns: Columns, rows: NDArray[np.intp], told: float, tick: float) -> NDArray[np.bool_]:
    """Count at most ``told`` seconds as healthy for the models in these ``rows``; whose record has to move on."""
    before = columns.healthy[rows]
    # several policies may judge a model, each at its own pace
    after = before + np.minimum(told, tick - columns.counted_at[rows])
    columns.counted_at[rows], columns.healthy[rows] = tick, after
    needed = columns.soak[rows]
    moved: NDArray[np.bool_] = _parts(before, needed) != _parts(after, needed)
    return moved


def _parts(healthy: NDArray[np.float64], soak: NDArray[np.float64]) -> NDArray[np.float64]:
    """``releases.soaked`` of many."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.minimum(SOAK_PARTS, np.floor(SOAK_PARTS * healthy / soak + 1e-9))
    return np.where(soak <= 0, np.where(healthy > 0, SOAK_PARTS, 0), parts)
