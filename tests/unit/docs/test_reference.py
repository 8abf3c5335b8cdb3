"""The reference is whole: every word, detector, input, setting, metric and phase is there, as the code has it."""

import importlib.util
from types import ModuleType

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from knowngood.api import steps
from knowngood.api.base import json_name
from knowngood.api.conditions import ConditionType, Reason
from knowngood.api.detectors import Detector
from knowngood.api.incidentpolicy import IncidentPolicy
from knowngood.api.incidentstatus import IncidentPhase
from knowngood.api.modelstatus import ModelPhase
from knowngood.api.signals import INPUTS
from knowngood.api.steps import BLOCKS
from knowngood.core.response.actions.action import Action
from knowngood.core.response.registry import ACTIONS
from knowngood.core.signals.compiled import compile_policy
from knowngood.shell import metrics, settings_docs
from tests.unit.docs.pages import DOCS, REPO

REFERENCE = DOCS / "reference"
METRICS = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """docs/generate.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["conditions.md", "detectors.md", "metrics.md"])
def test_generated_pages_are_current(generate: ModuleType, page: str) -> None:
    assert (REFERENCE / page).read_text() == generate.pages()[page], "run `make generate`"


def test_settings_are_current() -> None:
    assert (REFERENCE / "settings.md").read_text() == settings_docs.markdown(), "run `make generate`"


@pytest.mark.parametrize("word", [*ConditionType, *Reason])
def test_words_are_documented(word: ConditionType | Reason) -> None:
    assert word.meaning
    assert f"| `{word.value}` | {word.meaning} |" in (REFERENCE / "conditions.md").read_text()


@pytest.mark.parametrize("name", [*INPUTS, *Detector.model_fields])
def test_inputs_and_detectors_are_documented(name: str) -> None:
    assert f"\n### {name}\n" in (REFERENCE / "detectors.md").read_text()


@pytest.mark.parametrize("name", [name for name, _, _ in settings_docs.rows()])
def test_settings_are_documented(name: str) -> None:
    assert f"| `{name}` |" in (REFERENCE / "settings.md").read_text()


@pytest.mark.parametrize("found", ACTIONS, ids=lambda found: found.name.value)
def test_actions_are_documented(found: Action) -> None:
    text = (REFERENCE / "actions.md").read_text()
    assert f"\n### {found.name.value}\n" in text
    for field, (action, _) in BLOCKS.items():
        if action is found.name:
            for name in getattr(steps, action.value).model_fields:
                assert f"| `{json_name(field)}.{json_name(name)}` |" in text


def test_there_are_metrics() -> None:
    assert len(METRICS) >= 10


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric._name)
def test_metrics_are_documented(metric: MetricWrapperBase) -> None:
    text = (REFERENCE / "metrics.md").read_text()
    assert f"| `{metric._name}{'_total' if metric._type == 'counter' else ''}` |" in text


@pytest.mark.parametrize("phase", [*IncidentPhase, *ModelPhase])
def test_phases_are_explained(phase: IncidentPhase | ModelPhase) -> None:
    assert f"`{phase.value}`" in (DOCS / "how-to" / "read-an-incident.md").read_text()


def test_not_supported_is_said_where_it_is_so(generate: ModuleType) -> None:
    """The example policy holds every input; what the compiler refuses is marked, and nothing else."""
    example = REPO / "tests" / "conformance" / "examples" / "incidentpolicy.yaml"
    policy = IncidentPolicy.from_object(yaml.safe_load(example.read_text()))
    refused = {problem.field for problem in compile_policy(policy, ()).problems}
    for signal in policy.spec.signals:
        given, _ = signal.input()
        detector = signal.detector.chosen()[0] if signal.detector else "threshold"
        supported = given in generate.SUPPORTED_INPUTS and detector in generate.SUPPORTED_DETECTORS
        assert supported is not any(field.startswith(f"spec.signals[{signal.name}]") for field in refused)
