"""Whether a query's result can carry a label at all, told by its syntax tree before anything is asked."""

from collections.abc import Sequence

import promql_parser as promql

_CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})  # aggregations that give series as they are
_MAKING = frozenset({"label_replace", "label_join"})
_SETS = frozenset({"and", "or", "unless"})


def keeps(node: promql.Expr, label: str) -> bool:
    """False only where no series of the result can have ``label``; where that is not to be told, True."""
    match node:
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return keeps(node.expr, label)
        case promql.AggregateExpr():
            return _aggregated(node, label)
        case promql.BinaryExpr():
            return _combined(node, label)
        case promql.Call():
            return _called(node, label)
        case _:
            return True


def _aggregated(node: promql.AggregateExpr, label: str) -> bool:
    name = str(node.op)
    if name in _CHOOSING:
        return keeps(node.expr, label)
    if name == "count_values":
        return True  # it makes a label of its own
    modifier = node.modifier
    named = modifier is not None and label in modifier.labels
    by = modifier is None or modifier.type == promql.AggModifierType.By
    return named is by and keeps(node.expr, label)


def _combined(node: promql.BinaryExpr, label: str) -> bool:
    sides = [side for side in (node.lhs, node.rhs) if not _scalar(side)]
    if str(node.op) in _SETS:
        return any(keeps(side, label) for side in (sides if str(node.op) == "or" else sides[:1]))
    if node.modifier is not None and len(sides) == 2:
        return any(keeps(side, label) for side in sides)
    return all(keeps(side, label) for side in sides)


def _scalar(node: promql.Expr) -> bool:
    if isinstance(node, promql.ParenExpr | promql.UnaryExpr):
        return _scalar(node.expr)
    if isinstance(node, promql.BinaryExpr):
        return _scalar(node.lhs) and _scalar(node.rhs)
    called = isinstance(node, promql.Call) and node.func.return_type == promql.ValueType.Scalar
    return called or isinstance(node, promql.NumberLiteral)


def _called(node: promql.Call, label: str) -> bool:
    if node.func.name in _MAKING and len(node.args) > 1 and getattr(node.args[1], "val", "") == label:
        return True
    if node.func.name.startswith("absent"):
        return True  # its labels are those of the selector's matchers
    return all(keeps(arg, label) for arg in _vectors(node.args))


def _vectors(args: Sequence[promql.Expr]) -> Sequence[promql.Expr]:
    return [arg for arg in args if not isinstance(arg, promql.StringLiteral) and not _scalar(arg)]
