"""The shipped detectors of whole windows through the loop: a restart changes no judgement and no memory."""

import math
import random

import pytest

from knowngood.api.conditions import Reason
from knowngood.api.observed import Verdict
from knowngood.core.detectors.port import DetectorPort
from knowngood.core.detectors.registry import detector
from tests import builders as b
from tests.loop import MODEL, START, WINDOW, Kubernetes, Loop, Source, raw_model, raw_pod, raw_policy

pytestmark = pytest.mark.unit
SHIFT = START + 60 * WINDOW
DETECTORS = {
    "change": {"falseAlarmEvery": "20m"},
    "trend": {"over": "1h"},
    "comparison": {"minSamples": 50, "falseAlarmEvery": "1d"},
}
SIGNALS = [b.signal(name=name, detector={"threshold": None, name: settings}) for name, settings in DETECTORS.items()]
RELEASES = [{"digest": b.BAD, "release": "2"}, {"digest": b.GOOD, "release": "1"}]


class Shipped(Loop):
    """With the detectors that there are."""

    def _find(self, name: str) -> DetectorPort:
        return detector(name)


def shifting(model: str, release: str, end: float) -> float:
    """Whole numbers of good ones; release 2 gets worse, and 1, which still serves, does not."""
    chance = random.Random(f"{release}/{end}")
    return math.floor(100 * (0.9 + chance.gauss(0, 0.02) - (0.1 if end > SHIFT and release == "2" else 0.0))) / 100


async def process(api: Kubernetes) -> Shipped:
    loop = Shipped(Source(shifting, releases=("1", "2")), raw_policy(SIGNALS, 20), api=api)
    pinned = b.pinned("good", "model")
    loop.store.apply(raw_model(version=5, status={"releases": RELEASES}, knownGood=pinned))
    loop.store.remove(raw_pod())
    loop.store.apply(raw_pod("2", "bad"))
    await loop.take_up()
    return loop


@pytest.mark.parametrize("written", [40, 64])
async def test_a_restart_changes_nothing(written: int) -> None:
    """The state is written before the shift, or in the middle of it; six windows later another process goes on."""
    steadily, api = await process(Kubernetes()), Kubernetes()
    await steadily.run(START, START + 90 * WINDOW)
    first = await process(api)
    await first.run(START, START + written * WINDOW)
    await first.keeper.write(math.inf)
    second = await process(api)
    await second.run(START + (written + 6) * WINDOW, START + 90 * WINDOW)
    for name in DETECTORS:
        key = (b.POLICY, name)
        assert second.model.judged[key] == steadily.model.judged[key], name
        assert steadily.model.judged[key].memories, name
    said = {name: steadily.model.views[(b.POLICY, name)].judgement for name in DETECTORS}
    assert said["change"].verdict is Verdict.BREACH
    assert said["comparison"].verdict is Verdict.BREACH
    assert said["trend"].reason != Reason.DETECTOR_FAILED


async def test_the_release_to_compare_with_is_of_the_same_window() -> None:
    loop = await process(Kubernetes())
    await loop.run(START, START + 25 * WINDOW)
    assert loop.model.views[(b.POLICY, "comparison")].judgement.verdict is Verdict.HEALTHY
    loop.source.releases = ("2",)
    await loop.run(START + 25 * WINDOW, START + 27 * WINDOW)
    assert loop.model.views[(b.POLICY, "comparison")].judgement.reason == Reason.NO_COMPARISON
    assert loop.board.of(MODEL).views[(b.POLICY, "change")].judgement.digest == b.BAD
