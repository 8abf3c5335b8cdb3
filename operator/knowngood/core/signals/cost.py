"""What a query may cost: to read it here, and to evaluate it in the source that all tenants share.

The parser's tree walks take time with the cube of the depth, and it compiles regexes of its own, so that a query is
measured as text before it is parsed: 8,000 brackets would otherwise hold the process up for good.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

import promql_parser as promql

MAX_DEPTH, MAX_OPERATORS, MAX_BRACKETS, MAX_SUBQUERIES = 32, 32, 256, 4
MAX_REGEXES, MAX_REGEX, MAX_REGEX_WEIGHT = 16, 1_024, 2_000
MAX_REACH, MAX_OFFSET = timedelta(days=90), timedelta(days=366)
MIN_INTERVAL = timedelta(seconds=1)
MAX_EVALUATIONS = 11_000  # of a subquery's inner expression; as many points as Prometheus gives a range query
_DEFAULT_STEP = timedelta(minutes=1)
_CLASS_WEIGHT = 50  # a Unicode class is about so much larger than a character, compiled

_TOKEN = re.compile(
    r"""(?P<regex>[=!]~\s*)?(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|\#[^\n]*"""
    r"""|(?P<range>\[[^\]"'`]*\])|(?P<open>[({\[])|(?P<close>[)}\]])"""
    r"""|(?P<sign>[-+*/%^]|[<>=!]=?|\b(?:and|or|unless|atan2)\b)""",
    re.IGNORECASE | re.DOTALL,
)
_ATOM = re.compile(
    r"\\[pP](?:\{[^}]*\}|.)?|\\.|\[(?:\\.|[^\]\\])*\]|\{(?P<least>\d{1,9})?(?:,(?P<most>\d{0,9}))?\}|.", re.DOTALL
)
_CLASS = re.compile(r"\\[wWdDsSpP]")


def text_problem(query: str) -> str:
    """Why the query is not even read, with what to write instead; empty where it may be."""
    opened, brackets, operators, subqueries, in_braces = 0, 0, 0, 0, False
    regexes: list[str] = []
    for token in _TOKEN.finditer(query):
        kind = token.lastgroup
        if kind == "text" and token["regex"]:
            regexes.append(token["text"][1:-1])
        elif kind == "range":
            subqueries += ":" in token[0]
        elif kind in ("open", "close"):
            opened, brackets = opened + (1 if kind == "open" else -1), brackets + 1
            in_braces = token[0] == "{"
            if opened > MAX_DEPTH:
                return f"brackets are nested deeper than {MAX_DEPTH}; write a recording rule and query that"
        elif kind == "sign" and not in_braces:
            operators += 1
    if brackets > MAX_BRACKETS or operators > MAX_OPERATORS:
        return f"more than {MAX_OPERATORS} operators or {MAX_BRACKETS} brackets; write a recording rule and query that"
    if subqueries > MAX_SUBQUERIES:
        return f"{subqueries} subqueries; at most {MAX_SUBQUERIES} are supported: write a recording rule for the inner"
    return _regex_problem(regexes)


def _regex_problem(regexes: list[str]) -> str:
    if len(regexes) > MAX_REGEXES:
        return f"{len(regexes)} regular expressions; at most {MAX_REGEXES} are supported: match with = where you can"
    for regex in regexes:
        if len(regex) > MAX_REGEX:
            return f"a regular expression of {len(regex)} characters; at most {MAX_REGEX} are supported"
    if sum(map(_weight, regexes)) > MAX_REGEX_WEIGHT:
        return (
            f"the regular expression {max(regexes, key=_weight)[:80]!r} is too large once its repetitions {{n}} are "
            "written out; write + or * instead, or match with ="
        )
    return ""


def _weight(regex: str) -> int:
    """About how many characters the regex has with its counted repetitions written out."""
    total, last, factor, after_group = 0, 0, 1, False
    for atom in _ATOM.finditer(regex.replace("\\\\", "\\")):
        if atom[0].startswith("{") and (atom["least"] or atom["most"]):
            times = max(1, int(atom["least"] or 0), int(atom["most"] or 0))
            if after_group:
                factor *= times
            total += last * (times - 1)
        else:
            last, after_group = (_CLASS_WEIGHT if _CLASS.search(atom[0]) else 1), atom[0] == ")"
            total += last
    return total * factor


def tree_problem(tree: promql.Expr) -> str:
    """Why the source should not evaluate the query, with what to write instead; empty where it may."""
    return next(_tree_problems(tree, 1), "")


def _tree_problems(tree: promql.Expr, evaluations: int) -> Iterator[str]:
    found: list[promql.Expr] = []
    promql.walk(tree, lambda node: found.append(node))
    for node in found:
        if isinstance(node, promql.VectorSelector):
            yield from _selector_problems(node)
        elif isinstance(node, promql.MatrixSelector):
            yield from _selector_problems(node.vector_selector)
            if node.range > MAX_REACH / evaluations:
                yield f"it reads over {MAX_REACH.days}d of samples a series; write a shorter range or a larger step"
        elif isinstance(node, promql.SubqueryExpr):
            reach = node.range or timedelta()
            if reach > MAX_REACH or abs(node.offset or timedelta()) > MAX_OFFSET:
                yield f"a subquery over more than {MAX_REACH.days}d, or {MAX_OFFSET.days}d away; write a shorter one"
                return
            times = evaluations * -(-reach // (node.step or _DEFAULT_STEP))
            if times > MAX_EVALUATIONS:
                yield (
                    f"a subquery evaluates its expression {times} times; at most {MAX_EVALUATIONS} are supported: "
                    "write a larger step, for example [1h:1m]"
                )
                return
            yield from _tree_problems(node.expr, times)


def _selector_problems(node: promql.VectorSelector) -> Iterator[str]:
    named = node.name or any(m.name == "__name__" and m.op == promql.MatchOp.Equal for m in node.matchers.matchers)
    if not named:
        yield f"the selector {node.prettify()[:200]} names no metric; write its name, or every series would be read"
    if node.offset is not None and abs(node.offset) > MAX_OFFSET:
        yield f"an offset of more than {MAX_OFFSET.days}d; write a shorter one"
