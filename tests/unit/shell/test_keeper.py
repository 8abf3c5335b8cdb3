"""A restart, or another leader, neither forgets nor repeats; what is kept is ours, bounded, and seldom written."""

import asyncio
import copy
from typing import Any

import pytest

from knowngood.api.conditions import ConditionStatus, Reason
from knowngood.api.observed import Verdict
from knowngood.core.incidents.statetext import MOST_BYTES
from knowngood.shell.cluster import ApiError
from tests import builders as b
from tests.loop import INTERVAL, MODEL, START, WINDOW, Kubernetes, Loop, Source, Sums, raw_model, steady
from tests.unit.shell.test_loop import LEARNED, NEEDED, collapsing

pytestmark = pytest.mark.unit
STATE, BASELINE = f"knowngood-state-{b.POLICY}", f"knowngood-baseline-{b.MODEL}"
POLICY = (b.NAMESPACE, b.POLICY)
FOREVER = float("inf")


def decaying(model: str, release: str, end: float) -> float:
    return steady(model, release, end) - (0.05 if end > LEARNED else 0.0)


async def process(api: Kubernetes, value: Any = decaying) -> Loop:
    """A process that leads, and has read what is kept."""
    loop = Loop(Source(value), api=api)
    await loop.take_up()
    return loop


@pytest.mark.parametrize("gap", [0, 1, 7])
@pytest.mark.parametrize("lost", [0, 3])
async def test_a_restart_neither_forgets_nor_repeats(gap: int, lost: int) -> None:
    """``lost`` windows came after the last write, and for ``gap`` windows nobody was there."""
    steadily = await process(Kubernetes())
    await steadily.run(START, LEARNED + 30 * WINDOW)

    api = Kubernetes()
    first = await process(api)
    await first.run(START, LEARNED + 5 * WINDOW)
    await first.keeper.write(FOREVER)
    await first.run(LEARNED + 5 * WINDOW, LEARNED + (5 + lost) * WINDOW)
    second = await process(api)
    await second.run(LEARNED + (5 + lost + gap) * WINDOW, LEARNED + 30 * WINDOW)

    assert second.model.judged == steadily.model.judged
    assert second.said == steadily.said
    assert second.said.verdict is Verdict.BREACH
    whole = [loop.lessons.of(MODEL, loop.signal).baselines for loop in (steadily, second)]
    assert whole[0] == whole[1] != {}


async def test_learning_goes_on_where_it_was() -> None:
    api = Kubernetes()
    first = await process(api)
    await first.run(START, START + 10 * WINDOW)
    await first.keeper.write(FOREVER)
    learned = first.lessons.of(MODEL, first.signal).unfinished()
    second = await process(api)
    assert second.lessons.of(MODEL, second.signal).unfinished() == learned
    await second.run(START + 10 * WINDOW, START + 12 * WINDOW)
    (before,), (after,) = learned.values(), second.lessons.of(MODEL, second.signal).unfinished().values()
    assert after.windows == before.windows + 1, "the window that began while nobody watched teaches nothing"


async def test_without_anything_kept_it_begins() -> None:
    loop = await process(Kubernetes())
    await loop.run(START, START + 2 * WINDOW)
    assert loop.said.reason == Reason.LEARNING
    assert (loop.keeper.said(POLICY) or ("", ""))[:2] == (ConditionStatus.TRUE, Reason.KEPT)


async def test_whole_windows_wait_until_all_was_read() -> None:
    api = Kubernetes()
    first = await process(api)
    await first.run(START, LEARNED + 2 * WINDOW)
    await first.keeper.write(FOREVER)
    second = Loop(Source(decaying), api=api)
    second.poller.ready = second.keeper.ready
    await second.tick(LEARNED + 3 * WINDOW)
    assert second.source.asked == []
    await second.take_up()
    await second.tick(LEARNED + 3 * WINDOW + INTERVAL)
    assert second.said.verdict is Verdict.HEALTHY


async def test_written_seldom_and_only_where_something_changed() -> None:
    api = Kubernetes()
    loop = await process(api)
    await loop.run(START, LEARNED + WINDOW)
    await loop.keeper.write(FOREVER)
    assert sorted(api.writes) == [BASELINE, STATE]
    await loop.keeper.write(FOREVER)
    assert len(api.writes) == 2
    await loop.run(LEARNED + WINDOW, LEARNED + 9 * WINDOW)
    await loop.keeper.write(-FOREVER)
    assert len(api.writes) == 2, "not due"
    await loop.keeper.write(FOREVER)
    assert api.writes[2:] == [STATE], "baselines are frozen"


async def test_what_remembers_nothing_is_not_written() -> None:
    api = Kubernetes()
    loop = await process(api, lambda *_: None)
    await loop.run(START, START + 5 * WINDOW)
    await loop.keeper.write(FOREVER)
    assert api.writes == []


async def test_belongs_to_its_object_and_is_marked_as_ours() -> None:
    api = Kubernetes()
    loop = await process(api)
    await loop.run(START, LEARNED + WINDOW)
    await loop.keeper.write(FOREVER)
    for name, kind, owner, uid in (
        (STATE, "IncidentPolicy", b.POLICY, "policy-uid"),
        (BASELINE, "ModelDeployment", b.MODEL, f"uid-{b.MODEL}"),
    ):
        found = api.maps[(b.NAMESPACE, name)]
        assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "knowngood"}
        version = "knowngood.dev/v1alpha1"
        assert found["metadata"]["ownerReferences"] == [
            {"apiVersion": version, "kind": kind, "name": owner, "uid": uid}
        ]
        assert list(found["data"]) == ["state"]
        assert len(found["data"]["state"]) <= MOST_BYTES


async def kept() -> Kubernetes:
    api = Kubernetes()
    loop = await process(api)
    await loop.run(START, LEARNED + 5 * WINDOW)
    await loop.keeper.write(FOREVER)
    return api


@pytest.mark.parametrize("name", [STATE, BASELINE])
async def test_what_cannot_be_read_is_left_out_and_said_and_written_anew(name: str) -> None:
    api = await kept()
    api.maps[(b.NAMESPACE, name)]["data"]["state"] = "garbage"
    loop = await process(api)
    assert loop.told == [POLICY]
    status, reason, message = loop.keeper.said(POLICY) or ("", "", "")
    assert (status, reason) == (ConditionStatus.FALSE, Reason.UNREADABLE)
    assert name in message
    await loop.run(LEARNED + 5 * WINDOW, LEARNED + (NEEDED + 10) * WINDOW)
    assert loop.said.verdict is not Verdict.ERROR
    await loop.keeper.write(FOREVER)
    if name == STATE:
        assert (loop.keeper.said(POLICY) or ("",))[0] is ConditionStatus.TRUE


@pytest.mark.parametrize("error", [TypeError("no JSON"), ApiError(500, "InternalError", "etcd")], ids=["odd", "api"])
async def test_only_what_was_read_counts_as_read_and_the_rest_is_read_later(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowngood.shell.keeper._RETRY_SECONDS", 0.0)
    other, names = (b.NAMESPACE, "other"), (b.MODEL, "other")
    api = Kubernetes()
    first = Loop(Source(decaying, models=names), api=api)
    await first.take_up()
    await first.run(START, LEARNED + 5 * WINDOW)
    await first.keeper.write(FOREVER)
    kept = copy.deepcopy(api.maps)

    second = Loop(Source(decaying, models=names), api=api)
    ((compiled, models),) = [found for group in second.policies.groups().values() for found in group]
    api.broken = {"knowngood-baseline-other": error}
    await second.take_up()
    assert second.lessons.of(MODEL, second.signal).baselines
    assert not second.keeper.ready(compiled, models), "whole windows wait for all that is kept"
    second.lessons.changed |= {MODEL, other}
    await second.keeper.write(FOREVER)
    assert api.maps[(b.NAMESPACE, "knowngood-baseline-other")] == kept[(b.NAMESPACE, "knowngood-baseline-other")]

    api.broken = {}
    await second.take_up()
    assert second.keeper.ready(compiled, models)
    assert second.lessons.of(other, second.signal).baselines == first.lessons.of(other, first.signal).baselines != {}


async def test_what_reads_well_and_makes_no_sense_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the same at every try; nothing else waits for it."""
    api = await kept()
    monkeypatch.setattr("knowngood.shell.keeper.read_baselines", lambda _: 1 / 0)
    loop = await process(api)
    ((compiled, models),) = [found for group in loop.policies.groups().values() for found in group]
    assert loop.keeper.ready(compiled, models)
    status, reason, message = loop.keeper.said(POLICY) or ("", "", "")
    assert (status, reason) == (ConditionStatus.FALSE, Reason.UNREADABLE)
    assert "ZeroDivisionError" in message


@pytest.mark.parametrize(
    "changes",
    [{"labels": {}}, {"ownerReferences": []}, {"ownerReferences": [{"uid": "of an object that is gone"}]}],
    ids=["no-label", "no-owner", "another-owner"],
)
@pytest.mark.parametrize("name", [STATE, BASELINE])
async def test_what_is_anothers_is_neither_read_nor_written(name: str, changes: dict[str, Any]) -> None:
    api = await kept()
    api.maps[(b.NAMESPACE, name)]["metadata"].update(changes)
    before, api.writes[:] = dict(api.maps[(b.NAMESPACE, name)]), []
    loop = await process(api)
    await loop.run(LEARNED + 5 * WINDOW, LEARNED + (NEEDED + 10) * WINDOW)
    await loop.keeper.write(FOREVER)
    assert api.maps[(b.NAMESPACE, name)] == before
    assert name not in api.writes
    assert (loop.keeper.said(POLICY) or ("",))[:2] == (ConditionStatus.FALSE, Reason.UNREADABLE)


async def test_a_stale_leader_does_not_overwrite() -> None:
    api = await kept()
    stale, leader = await process(api), await process(api)
    for loop in (stale, leader):
        await loop.run(LEARNED + 5 * WINDOW, LEARNED + 9 * WINDOW)
    await leader.keeper.write(FOREVER)
    written = api.maps[(b.NAMESPACE, STATE)]["data"]["state"]
    await stale.run(LEARNED + 9 * WINDOW, LEARNED + 20 * WINDOW)
    await stale.keeper.write(FOREVER)
    assert api.maps[(b.NAMESPACE, STATE)]["data"]["state"] == written
    assert (stale.keeper.said(POLICY) or ("", ""))[1] == Reason.NOT_WRITTEN


async def test_a_refused_write_is_said_and_tried_again() -> None:
    api = Kubernetes()
    loop = await process(api)
    await loop.run(START, LEARNED + WINDOW)
    api.refuse = ApiError(403, "Forbidden", "not you")
    await loop.keeper.write(FOREVER)
    assert (loop.keeper.said(POLICY) or ("", ""))[:2] == (ConditionStatus.FALSE, Reason.NOT_WRITTEN)
    api.refuse = None
    await loop.run(LEARNED + WINDOW, LEARNED + 2 * WINDOW)
    await loop.keeper.write(FOREVER)
    assert sorted(api.writes) == [BASELINE, STATE]
    assert (loop.keeper.said(POLICY) or ("",))[0] is ConditionStatus.TRUE


async def test_state_that_could_not_be_written_is_written_though_nothing_has_changed_since() -> None:
    api = Kubernetes()
    loop = await process(api)
    await loop.run(START, LEARNED + WINDOW)
    api.refuse = ApiError(500, "InternalError", "etcd")
    await loop.keeper.write(FOREVER)
    api.refuse = None
    await loop.keeper.write(FOREVER)
    assert STATE in api.writes


async def test_what_learns_nothing_is_asked_though_its_models_change_all_the_time() -> None:
    """Each change of any ModelDeployment makes new tuples of equal keys."""
    loop = await process(Kubernetes())
    loop.sums.learns = False  # type: ignore[misc]
    loop.keeper.forget(MODEL)
    ((compiled, models),) = [found for group in loop.policies.groups().values() for found in group]
    assert loop.keeper.ready(compiled, (*models,))


async def test_a_model_made_anew_under_its_name_takes_up_nothing() -> None:
    api = await kept()
    loop = await process(api)
    assert loop.lessons.of(MODEL, loop.signal).baselines
    loop.store.remove(raw_model())
    loop.lessons.drop(MODEL)
    loop.board.drop(MODEL)
    loop.keeper.forget(MODEL)
    raw = raw_model(version=50)
    raw["metadata"]["uid"] = "another"
    loop.store.apply(raw)
    api.reads.clear()
    await loop.take_up()
    assert api.reads == [BASELINE]
    assert not loop.lessons.of(MODEL, loop.signal).baselines


async def test_state_of_another_way_of_judging_is_not_taken_up() -> None:
    api = await kept()
    loop = Loop(Source(steady), api=api)
    policy = b.policy([b.signal(detector={"threshold": {"below": 0.5}})], learning={"windows": NEEDED})
    raw = {"apiVersion": "knowngood.dev/v1alpha1", "kind": "IncidentPolicy", "spec": policy.spec.to_object()}
    meta = {"name": b.POLICY, "namespace": b.NAMESPACE, "uid": "policy-uid", "resourceVersion": "99"}
    loop.store.apply({**raw, "metadata": meta})
    await loop.take_up()
    assert loop.model.judged == {}
    assert loop.lessons.of(MODEL, loop.signal).baselines, "what is usual is the same however it is judged"


async def test_the_last_round_writes_what_is_not_written_yet() -> None:
    api = Kubernetes()
    loop = await process(api)
    await loop.run(START, START + 9 * WINDOW)
    task = asyncio.create_task(loop.keeper.run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert api.writes == [STATE]


async def test_many_models_are_kept_in_one_write() -> None:
    api = Kubernetes()
    names = tuple(f"m{n}" for n in range(50))
    loop = Loop(Source(collapsing(FOREVER), models=names), sums=Sums(), api=api)
    await loop.take_up()
    await loop.run(START, START + 5 * WINDOW)
    await loop.keeper.write(FOREVER)
    assert api.writes == [STATE]
