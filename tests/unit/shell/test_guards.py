"""The emergency stop and the guard of decisions: what they read, and what they do when they cannot."""

import asyncio
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from knowngood.api.conditions import Reason
from knowngood.shell.cluster import ApiError, Cluster
from knowngood.shell.guard import Guard
from knowngood.shell.settings_model import EmergencyStop
from knowngood.shell.stop import Stop

GOOD = {
    "ValidatingAdmissionPolicy": {"spec": {"failurePolicy": "Fail"}},
    "ValidatingAdmissionPolicyBinding": {"spec": {"policyName": "decisions", "validationActions": ["Deny"]}},
}


class Api:
    """Objects by kind; an exception is raised."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found, self.asked = found, 0

    async def get(self, resource: Any, _namespace: str | None, _name: str) -> Any:
        self.asked += 1
        answer = self.found.get(resource.kind, ApiError(404, "NotFound", "no such object"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def stop(found: dict[str, Any], changes: list[int] | None = None) -> tuple[Stop, Api]:
    api = Api(found)
    told = changes if changes is not None else []
    return Stop(cast(Cluster, api), EmergencyStop(), "system", lambda: told.append(1)), api


def config(value: str) -> dict[str, Any]:
    return {"ConfigMap": {"data": {"stop": value}}}


def gauges() -> tuple[float, float]:
    """Whether metrics say that all is stopped, and that this cannot be read."""
    names = ("knowngood_emergency_stop", "knowngood_emergency_stop_unreadable")
    stopped, unreadable = (REGISTRY.get_sample_value(name) or 0.0 for name in names)
    return stopped, unreadable


class TestStop:
    @pytest.mark.parametrize("value", ["true", "1", "yes", "STOP", "please", "True "])
    async def test_every_other_word_stops(self, value: str) -> None:
        made, _ = stop(config(value))
        await made.read()
        assert made.hold is not None
        assert made.hold.reason is Reason.EMERGENCY_STOP
        assert "system/knowngood-emergency-stop" in made.hold.message

    @pytest.mark.parametrize("value", ["false", "no", "off", "0", "none", "", " False "])
    async def test_these_do_not(self, value: str) -> None:
        made, _ = stop(config(value))
        await made.read()
        assert made.hold is None

    async def test_without_the_map_or_its_key_nothing_is_stopped(self) -> None:
        for found in ({}, {"ConfigMap": {}}, {"ConfigMap": {"data": None}}):
            made, _ = stop(found)
            await made.read()
            assert made.hold is None

    async def test_what_was_read_holds_while_nothing_can_be_read(self) -> None:
        made, api = stop(config("true"))
        await made.read()
        api.found = {"ConfigMap": ApiError(0, "Unreachable", "no answer")}
        await made.read()
        assert made.hold is not None
        api.found = {}
        await made.read()
        assert made.hold is None

    @pytest.mark.parametrize(
        ("status", "reason", "said"),
        [(403, "Forbidden", "lacks the right get on configmaps"), (429, "TooManyRequests", "429"), (0, "", "answer")],
    )
    async def test_all_is_stopped_until_it_could_be_read_once(self, status: int, reason: str, said: str) -> None:
        made, api = stop({"ConfigMap": ApiError(status, reason, "no")})
        assert made.hold is not None, "before it was asked for"
        await made.read()
        assert made.hold is not None
        assert made.hold.stops
        assert "could not be read" in made.hold.message
        assert said in made.hold.message
        assert gauges() == (1, 1)
        api.found = {}
        await made.read()
        assert made.hold is None
        assert gauges() == (0, 0)

    @pytest.mark.parametrize("status", [0, 403, 500])
    async def test_leave_to_go_on_lasts_a_minute(self, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
        clock, told = 100.0, list[int]()
        monkeypatch.setattr("knowngood.shell.stop.time.monotonic", lambda: clock)
        made, api = stop({}, told)
        await made.read()
        told.clear()
        api.found, clock = {"ConfigMap": ApiError(status, "", "no")}, 159.0
        await made.read()
        assert (made.hold, told, gauges()) == (None, [], (0, 1)), "a short outage changes nothing"
        clock = 160.0
        for _ in range(3):
            await made.read()
        assert made.hold is not None
        assert (len(told), gauges()) == (1, (1, 1))
        api.found = {}
        await made.read()
        assert made.hold is None

    async def test_each_error_is_logged_once(self) -> None:
        made, api = stop({"ConfigMap": ApiError(403, "Forbidden", "no")})
        with capture_logs() as logs:
            for _ in range(3):
                await made.read()
            api.found = {"ConfigMap": ApiError(500, "InternalError", "etcd")}
            for _ in range(3):
                await made.read()
        assert [line["error"] for line in logs if "cannot be read" in line["event"]] == [
            "403 Forbidden: no",
            "500 InternalError: etcd",
        ]

    async def test_a_read_that_hangs_has_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("knowngood.shell.stop._PATIENCE", 0.01)
        made, api = stop({})
        monkeypatch.setattr(api, "get", lambda *_: asyncio.sleep(60))
        await made.read()
        assert made.hold is not None
        assert "did not answer" in made.hold.message

    async def test_a_change_is_told_once(self) -> None:
        told: list[int] = []
        made, api = stop(config("true"), told)
        for _ in range(3):
            await made.read()
        api.found = config("false")
        await made.read()
        assert len(told) == 2


class TestGuard:
    async def missing(self, found: dict[str, Any], policy: str | None = "decisions") -> str:
        guard = Guard(cast(Cluster, Api(found)), policy)
        assert guard.missing, "unguarded until it was asked"
        await guard.check()
        return guard.missing

    async def test_both_there_and_denying(self) -> None:
        assert await self.missing(GOOD) == ""

    @pytest.mark.parametrize("kind", list(GOOD))
    async def test_one_is_missing(self, kind: str) -> None:
        assert "does not exist" in await self.missing({k: v for k, v in GOOD.items() if k != kind})

    @pytest.mark.parametrize(
        ("kind", "spec", "said"),
        [
            ("ValidatingAdmissionPolicy", {"failurePolicy": "Ignore"}, "fail closed"),
            (
                "ValidatingAdmissionPolicyBinding",
                {"policyName": "decisions", "validationActions": ["Audit"]},
                "does not deny",
            ),
            (
                "ValidatingAdmissionPolicyBinding",
                {"policyName": "other", "validationActions": ["Deny"]},
                "does not deny",
            ),
        ],
    )
    async def test_one_that_does_not_guard(self, kind: str, spec: dict[str, Any], said: str) -> None:
        assert said in await self.missing({**GOOD, kind: {"spec": spec}})

    async def test_a_refusal_is_no_guard(self) -> None:
        refused = ApiError(403, "Forbidden", "no")
        assert "could not be read" in await self.missing({**GOOD, "ValidatingAdmissionPolicy": refused})

    @pytest.mark.parametrize("status", [0, 429, 500])
    async def test_no_answer_is_not_taken_for_no_guard(self, status: int) -> None:
        """Decisions that are seen unguarded never count again: a hiccup of the API server must not do that."""
        api = Api({**GOOD, "ValidatingAdmissionPolicy": ApiError(status, "InternalError", "etcd")})
        guard = Guard(cast(Cluster, api), "decisions")
        with pytest.raises(ApiError):
            await guard.check()
        api.found = GOOD
        await guard.check()
        assert guard.missing == ""

    async def test_no_policy_named(self) -> None:
        assert "admission.policy" in await self.missing(GOOD, None)

    async def test_an_answer_counts_for_a_few_seconds_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        api = Api(GOOD)
        guard = Guard(cast(Cluster, api), "decisions")
        clock = 100.0
        monkeypatch.setattr("knowngood.shell.guard.time.monotonic", lambda: clock)
        await guard.check()
        await guard.check()
        assert api.asked == 2
        clock, api.found = 106.0, {}
        await guard.check()
        assert guard.missing
