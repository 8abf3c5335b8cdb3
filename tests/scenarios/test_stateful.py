"""Any order of kills, conflicts, edits, outages and time: what must hold, holds at each moment."""

import dataclasses

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from knowngood.api.conditions import ConditionStatus, find_condition
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.core.incidents.record import MAX_TIMELINE, is_over
from knowngood.core.response import machine
from knowngood.core.response.effects import Apply, Wait
from knowngood.core.signals.answer import DataState
from tests import builders as b
from tests.scenarios.world import World

pytestmark = pytest.mark.scenarios
NOT_OK = st.sampled_from([s for s in DataState if s is not DataState.OK])


class Life(RuleBasedStateMachine):
    """One incident's life in a rough world."""

    @initialize(mode=st.sampled_from(["Automatic", "Automatic", "DryRun", "Approval"]), rolls_out=st.booleans())
    def begin(self, mode: str, rolls_out: bool) -> None:
        self.mode = mode
        self.world = World(policy=b.policy(responses=[b.response(mode=mode)]), rolls_out=rolls_out)
        self.persons: str | None = None

    @rule()
    def one_effect(self) -> None:
        effect = machine.decide(self.world.facts)
        if isinstance(effect, Apply):
            assert self.world.status.evidence is not None, "evidence first"
            assert self.world.workload is not None
            if self.persons is not None:
                assert b.image(self.persons) in {b.image("bad"), b.image("good")}, "a person's image is patched over"
        if not isinstance(effect, Wait):
            self.world.do(effect)

    @rule()
    def half_an_effect_and_a_kill(self) -> None:
        effect = machine.decide(self.world.facts)
        if not isinstance(effect, Wait):
            self.world.do(effect, lost=True)
        self.world.restart()

    @rule()
    def poll(self) -> None:
        self.world.seconds += 5
        self.world.poll()

    @rule(state=NOT_OK)
    def outage(self, state: DataState) -> None:
        self.world.seconds += 5
        self.world.views = b.views(b.absent(state, self.world.seconds))

    @rule(name=st.sampled_from(["fix", "older", "good", "bad"]))
    def person(self, name: str) -> None:
        self.persons = name
        self.world.person_sets(name)

    @rule()
    def autoscaler(self) -> None:
        self.world.touch()

    @rule()
    def roll_out(self) -> None:
        self.world.roll_out()

    @rule(seconds=st.sampled_from([30, 400]))
    def time_passes(self, seconds: int) -> None:
        self.world.seconds += seconds

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        assert self.world.workload is not None
        self.world.workload = dataclasses.replace(self.world.workload, paused=paused)

    @invariant()
    def at_most_one_patch(self) -> None:
        assert len(self.world.patches) <= (1 if self.mode == "Automatic" else 0)

    @invariant()
    def a_persons_release_stays(self) -> None:
        if self.persons in {"fix", "older"}:
            assert self.world.image == b.image(self.persons)

    @invariant()
    def contained_is_true(self) -> None:
        """The condition was true of the world when it was written."""
        contained = find_condition(self.world.status.conditions, "Contained")
        if contained is not None and contained.status is ConditionStatus.TRUE:
            assert self.mode == "Automatic"
            assert self.world.status.contained_at is not None
            assert self.world.status.phase in {IncidentPhase.CONTAINED, IncidentPhase.RESOLVED}

    @invariant()
    def the_record_is_bounded(self) -> None:
        assert len(self.world.status.timeline) <= MAX_TIMELINE

    @invariant()
    def an_incident_that_is_over_stays_so(self) -> None:
        if is_over(self.world.incident):
            assert machine.decide(self.world.facts) == Wait()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
