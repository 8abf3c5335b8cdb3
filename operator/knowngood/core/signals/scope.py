"""Keep a query inside its namespace: the matcher is set on the syntax tree, then the result is read again.

The label trusted is the one that the scrape assigned. A selector cannot be constructed by the parser's binding, so
each is replaced by its own text with the matcher added, which is parsed again; ``prettify`` escapes values, ``str``
does not.
"""

import re
from collections.abc import Mapping

import promql_parser as promql

from knowngood.core.signals import cost

NAMESPACE = "namespace"
MAX_LENGTH = 16_384
_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class QueryError(ValueError):
    """A query that cannot be used; the text says why and what to write instead."""


def parse(query: str) -> promql.Expr:
    """The syntax tree of ``query``. Raises QueryError."""
    if len(query) > MAX_LENGTH:
        raise QueryError(f"the query has {len(query)} characters; at most {MAX_LENGTH} are allowed")
    try:
        return promql.parse(query)
    except ValueError as error:
        raise QueryError(f"not valid PromQL: {error}; write what Prometheus' own query page accepts") from error


def selectors(expr: promql.Expr) -> list[promql.VectorSelector]:
    """Every vector selector of the tree, those inside range selectors included, in order."""
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        elif isinstance(node, promql.MatrixSelector):
            found.append(node.vector_selector)

    promql.walk(expr, visit)
    return found


def scoped(query: str, namespace: str) -> str:
    """``query`` with ``namespace="…"`` on every selector.

    Raises QueryError where the query does not parse, selects nothing, costs too much to read, or uses syntax in which
    the matcher could not be proven to hold.
    """
    if not _DNS_LABEL.fullmatch(namespace):
        raise QueryError(f"{namespace!r} is no namespace name")
    if problem := cost.text_problem(query):
        raise QueryError(problem)
    tree = parse(query)
    if not selectors(tree):
        raise QueryError("the query selects no series; write at least one metric name")
    if _calls_info(tree):
        raise QueryError("info() reads target_info of every namespace; write a join with on () group_left () instead")

    def replace(node: promql.Expr) -> promql.Expr | None:
        if not isinstance(node, promql.VectorSelector):
            return None
        return promql.parse(_with_matcher(node, f'{NAMESPACE}="{namespace}"'))

    text = promql.transform(tree, replace).prettify()
    _prove(text, namespace, len(selectors(tree)))
    return text


def _calls_info(tree: promql.Expr) -> bool:
    """Whether it reads series that no selector names."""
    found: list[str] = []
    promql.walk(tree, lambda node: found.append(node.func.name) if isinstance(node, promql.Call) else None)
    return "info" in found


def _with_matcher(node: promql.VectorSelector, matcher: str) -> str:
    if node.matchers.or_matchers:
        raise QueryError("`or` between label matchers is not supported; write two selectors joined by `or`")
    text = node.prettify()
    name = node.name or ""
    if name and not _PLAIN_NAME.fullmatch(name):
        raise QueryError(f"the metric name {name!r} is not supported here; write {{__name__={name!r}}}")
    if not text.startswith(name):
        raise QueryError(f"cannot read the selector {text!r}")
    rest = text[len(name) :]
    if rest.startswith("{"):
        separator = "" if rest.startswith("{}") else ","
        return f"{name}{{{matcher}{separator}{rest[1:]}"
    return f"{name}{{{matcher}}}{rest}"


def _prove(text: str, namespace: str, expected: int) -> None:
    found = selectors(parse(text))
    if len(found) != expected or not all(_holds(node, namespace) for node in found):
        raise QueryError("the namespace matcher could not be set on every selector of the query")


def _holds(node: promql.VectorSelector, namespace: str) -> bool:
    return not node.matchers.or_matchers and any(
        m.name == NAMESPACE and m.op == promql.MatchOp.Equal and m.value == namespace for m in node.matchers.matchers
    )


def bare(node: promql.VectorSelector) -> str:
    """The selector alone: name and matchers, with no range, no offset and no ``@``."""
    body = ",".join(matcher_text(m) for m in node.matchers.matchers)
    return f"{node.name or ''}{{{body}}}"


def matcher_text(matcher: promql.Matcher) -> str:
    """A matcher as PromQL text, its value escaped."""
    signs = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
    return f"{matcher.name}{signs[str(matcher.op).rsplit('.', 1)[-1]]}{quoted(matcher.value)}"


def quoted(value: str) -> str:
    """``value`` as a PromQL string literal."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def narrowed(selector: str, matchers: Mapping[str, str]) -> str:
    """A bare selector, scoped already, with equality ``matchers`` added; their values may hold anything."""
    extra = ",".join(f"{name}={quoted(value)}" for name, value in sorted(matchers.items()))
    return f"{selector[:-1]},{extra}}}" if extra else selector
