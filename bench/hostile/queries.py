"""PromQL by a grammar, with label values that try to break out of their quotes; always the same for a seed."""

import random

from knowngood.core.signals.scope import quoted

LABELS = ("model", "pod", "le", "release", "namespace", "job", "instance", "a_b", "__name__")
NASTY = (
    "", '"', "\\", '\\"', '"}', '",namespace="victim', '"} or secret{namespace="victim', "\n", "\\n", "`", "'", "{",
    "}", "{}", "#",
    "# x\n", "victim", ".*", "a|b", "ünï", "日本", "\u202e", "\u2028", "\x7f", "\t", " ", "a" * 200, "$(x)", "%22",
    "&#34;",
    '"}[5m]) or vector(1) #', "http://169.254.169.254/", "0", "-", "NaN", "\\u0022", "\\x22", '\\\\"', "*/", "--", ";",
)  # fmt: skip
NAMESPACES = ("victim", "kube-system", "", ".*", "vic" + "t" + "im", 'own-0"', "own-0|victim")
RANGES = ("1m", "5m", "1h30m", "90s", "1d", "500ms")
FUNCTIONS = ("rate", "increase", "delta", "max_over_time", "avg_over_time", "count_over_time", "absent_over_time")
PLAIN = ("abs", "ceil", "sort", "clamp_min", "absent", "timestamp", "scalar", "histogram_quantile", "info")
AGGREGATIONS = ("sum", "avg", "max", "count", "topk", "quantile", "count_values", "group", "stddev")
OPERATORS = ("+", "-", "*", "/", "%", "^", "==", "> bool", "and", "or", "unless")


class Grammar:
    """Expressions whose metric names all begin with one mark."""

    def __init__(self, rng: random.Random, mark: str) -> None:
        self._rng, self._mark = rng, mark
        self.values: set[str] = set()

    def expression(self, depth: int = 3) -> str:
        """Any expression."""
        if depth == 0:
            return self._selector()
        if self._rng.random() < 0.3:
            return self.kept()
        shapes = (self._call, self._aggregation, self._binary, self._subquery, self._odd)
        return self._rng.choice(shapes)(depth - 1)

    def kept(self) -> str:
        """An expression that keeps the labels of its series, so that it is judged."""
        return self._rng.choice((self._selector, self._ranged))()

    def _name(self) -> str:
        return f"{self._mark}_{self._rng.choice(('a', 'b', 'total', 'rate5m', 'sum'))}"

    def _selector(self) -> str:
        name, matchers = self._name(), [self._matcher() for _ in range(self._rng.choice((0, 0, 1, 2, 4)))]
        offset = self._rng.choice(("", "", "", " offset 5m", " offset -1h", " @ end()", " @ 1700000000"))
        if self._rng.random() < 0.15:
            return "{" + ",".join([f'__name__="{name}"', *matchers]) + "}" + offset
        return name + ("{" + ",".join(matchers) + "}" if matchers else "") + offset

    def _matcher(self) -> str:
        label = self._rng.choice(LABELS[:-1])
        values = NAMESPACES if label == "namespace" and self._rng.random() < 0.7 else NASTY
        value = self._rng.choice(values)
        self.values.add(value)
        sign = self._rng.choice(("=", "!=", "=~", "!~"))
        if "\\" in value or '"' in value or "`" in value or "\n" in value or self._rng.random() < 0.8:
            return f"{label}{sign}{quoted(value)}"
        return f"{label}{sign}`{value}`"

    def _ranged(self) -> str:
        selector = self._selector()
        for at in (" offset", " @"):
            if at in selector:
                head, _, tail = selector.rpartition(at)
                return f"{self._rng.choice(FUNCTIONS)}({head}[{self._rng.choice(RANGES)}]{at}{tail})"
        return f"{self._rng.choice(FUNCTIONS)}({selector}[{self._rng.choice(RANGES)}])"

    def _call(self, depth: int) -> str:
        name, inner = self._rng.choice(PLAIN), self.expression(depth)
        if name == "clamp_min":
            return f"clamp_min({inner}, 0)"
        return f"histogram_quantile(0.9, {inner})" if name == "histogram_quantile" else f"{name}({inner})"

    def _aggregation(self, depth: int) -> str:
        name, inner = self._rng.choice(AGGREGATIONS), self.expression(depth)
        first = {"topk": "3, ", "quantile": "0.9, ", "count_values": '"namespace", '}.get(name, "")
        by = self._rng.choice(
            ("", " by (namespace, model, pod)", " by (model)", " without (namespace)", " by (namespace)")
        )
        return f"{name}{by} ({first}{inner})"

    def _binary(self, depth: int) -> str:
        left, right, sign = self.expression(depth), self.expression(depth), self._rng.choice(OPERATORS)
        on = self._rng.choice(("", "", " on (model)", " ignoring (namespace)")) if " bool" not in sign else ""
        return f"({left}) {sign}{on} ({right})"

    def _subquery(self, depth: int) -> str:
        step = self._rng.choice(("1m", "", "1ms", "5m"))
        return f"max_over_time(({self.expression(depth)})[{self._rng.choice(('30m', '30d'))}:{step}])"

    def _odd(self, depth: int) -> str:
        inner = self.expression(depth)
        return self._rng.choice(
            (
                f'label_replace({inner}, "namespace", "victim", "", "")',
                f'label_join({inner}, "namespace", "", "model", "pod")',
                f'{inner} # {{namespace="victim"}}\n',
                f"-({inner})",
                f"({inner}) or secret",
                f'({inner}) or {{namespace="victim"}}',
                f"vector(1) or ({inner})",
                f'{self._name()}{{model="a" or namespace="victim"}}',
                inner[:-1],
            )
        )
