"""Which queries cannot yield a series with a label, however the data is labelled."""

import pytest

from knowngood.core.signals.keeping import keeps
from knowngood.core.signals.scope import parse

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "query",
    [
        "x",
        "rate(x[5m])",
        "avg by (model) (x)",
        "sum without (pod) (x)",
        "topk(3, x)",
        "-(avg by (model, release) (x))",
        "1 - sum by (model) (x) / sum by (model) (y)",
        "sum by (model) (x) / on (model) group_left sum by (model) (y)",
        "sum(x) * on () group_right sum by (model) (y)",
        "histogram_quantile(0.9, sum by (model, le) (rate(x_bucket[5m])))",
        'label_replace(sum(x), "model", "digits", "", "")',
        'count_values("model", x)',
        "max_over_time(avg by (model) (x)[5m:1m])",
        "sum(x) or avg by (model) (x)",
        'absent(x{model="digits"})',
        "vector(1) * x",
        "x > bool 3",
    ],
)
def test_what_may_have_the_label_is_left_alone(query: str) -> None:
    assert keeps(parse(query), "model")


@pytest.mark.parametrize(
    "query",
    [
        "avg(x)",
        "avg by (release) (x)",
        "sum without (model) (x)",
        "topk(1, sum(x))",
        "1 - sum(x) / sum(y)",
        "sum(x) / on () sum(y)",
        "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
        'label_replace(sum(x), "other", "digits", "", "")',
        "max_over_time(avg(x)[5m:1m])",
        "clamp_max(sum(x), 3) > 2",
        "sum(x) and avg by (model) (x)",
    ],
)
def test_what_can_never_have_it_is_told(query: str) -> None:
    assert not keeps(parse(query), "model")
