"""Expressions of the equation language: a closed grammar, parsed once into a graph of operations.

The grammar is names, numbers, ``+ - * /``, integer powers, comparisons, ``and or not``, ``where``,
``min``, ``max``, ``abs``, ``exp``, ``log``, ``sqrt``, ``tanh``, ``cos`` and ``sin``. Python's own
parser reads the text; nothing is evaluated, and no attribute, call, import or subscript outside
this list gets through. Powers, ``min`` and ``max`` become products and choices, so that a backend
needs only operations that IEEE 754 rounds one way:

    >>> print(parse("v**2 + max(I, 0)", known=["v", "I"], where="derivatives.v"))
    add(mul(v, v), where(gt(I, 0.0), I, 0.0))
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sensoryforge.core.errors import EquationError
from sensoryforge.core.messages import format_value, list_names, suggest
from sensoryforge.core.values import is_number, is_whole
from sensoryforge.equations.graph import Node, constant, name, op, power, where

FUNCTIONS: dict[str, int] = {
    "where": 3,
    "min": 2,
    "max": 2,
    "abs": 1,
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "tanh": 1,
    "cos": 1,
    "sin": 1,
}
"""Functions of the grammar and how many arguments each takes (min and max: at least)."""

MAX_CHARACTERS = 4000
MAX_DEPTH = 60
MAX_POWER = 16
MAX_NUMBER = 3.4e38
"""Numbers must fit float32."""

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}
_LOGIC: dict[type[ast.boolop], str] = {ast.And: "and", ast.Or: "or"}
_EXTREMES = {"min": "lt", "max": "gt"}
_GRAMMAR = "names, numbers, + - * /, integer powers, comparisons, and/or/not, " + list_names(
    FUNCTIONS
)


_NOTHING: Mapping[str, Node] = MappingProxyType({})


def parse(
    text: object,
    known: Iterable[str],
    where: str,
    *,
    boolean: bool | None = False,
    named: Mapping[str, Node] = _NOTHING,
) -> Node:
    """Parse one expression.

    Parameters
    ----------
    text
        The expression: a string, or a number.
    known
        The names that it may use.
    where
        What the equation is called in messages.
    boolean
        Whether a condition is wanted, not a number; None takes either.
    named
        Other names that it may use, and the expressions that stand in their place.

    Returns
    -------
    Node
        The root of the expression's graph.

    Raises
    ------
    EquationError
        With one line, where the text is not in the grammar.

    Examples
    --------
    >>> print(parse("-v / tau", known=["v", "tau"], where="derivatives.v"))
    div(neg(v), tau)
    >>> print(parse("2*x", known=[], where="derivatives.v", named={"x": name("v") + 1.0}))
    mul(2.0, add(v, 1.0))
    """
    parser = _Parser(frozenset(known), where, _as_text(text, where), named)
    node = parser.parse()
    if boolean is None:
        return node
    if node.boolean and not boolean:
        raise parser.error("is a condition, expected a number")
    if boolean and not node.boolean:
        raise parser.error("is a number, expected a condition")
    return node


def _as_text(value: object, where: str) -> str:
    """Return an expression as text; YAML reads one that is a plain number as a number."""
    if isinstance(value, str):
        return value
    got = format_value(value)
    if not is_number(value):
        raise EquationError(f"{where}: expected an expression, got {got}")
    if not abs(value) <= MAX_NUMBER:
        raise EquationError(f"{where}: {got} is not a number up to {MAX_NUMBER:g}")
    return repr(value)


class _Parser:
    """Turns Python's syntax tree into nodes, or says in one line what is not allowed."""

    def __init__(
        self, known: frozenset[str], where: str, text: str, named: Mapping[str, Node]
    ) -> None:
        self.known = known
        self.named = named
        self.where = where
        self.text = text

    def parse(self) -> Node:
        if len(self.text) > MAX_CHARACTERS:
            raise self.error(f"is longer than {MAX_CHARACTERS} characters")
        if not self.text.isascii():  # Python would read a look-alike as the plain letter
            odd = {ascii(character) for character in self.text if not character.isascii()}
            some = sorted(odd)[:5]
            raise self.error(f"has {list_names(some)}; allowed: ASCII characters")
        return self.visit(self.syntax_tree(), 0)

    def syntax_tree(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(self.text.strip(), mode="eval").body
        except SyntaxError as error:
            raise self.error(f"is not an expression ({error.msg})") from None
        except (ValueError, RecursionError, MemoryError):
            raise self.error("is not an expression (it cannot be read)") from None

    # --- one kind of syntax after the other ---

    def visit(self, syntax: ast.expr, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error(f"is nested deeper than {MAX_DEPTH} levels")
        match syntax:
            case ast.Name():
                return self.input(syntax.id)
            case ast.Constant():
                return self.literal(syntax.value)
            case ast.BinOp(op=ast.Pow()):
                return self.power(syntax, depth)
            case ast.BinOp(op=sign) if type(sign) in _ARITHMETIC:
                left = self.number(syntax.left, depth)
                right = self.number(syntax.right, depth)
                return op(_ARITHMETIC[type(sign)], left, right)
            case ast.UnaryOp(op=ast.USub()):
                return op("neg", self.number(syntax.operand, depth))
            case ast.UnaryOp(op=ast.UAdd()):
                return self.number(syntax.operand, depth)
            case ast.UnaryOp(op=ast.Not()):
                return op("not", self.condition(syntax.operand, depth))
            case ast.BoolOp():
                conditions = [self.condition(value, depth) for value in syntax.values]
                return _join(_LOGIC[type(syntax.op)], conditions)
            case ast.Compare():
                return self.comparison(syntax, depth)
            case ast.Call(func=ast.Name(id=function), keywords=[]):
                return self.call(function, syntax.args, depth)
        construct = type(syntax).__name__
        raise self.error(f"uses {construct}; allowed: {_GRAMMAR}")

    def number(self, syntax: ast.expr, depth: int) -> Node:
        """Return a part of the expression that must be a number."""
        node = self.visit(syntax, depth + 1)
        if node.boolean:
            part = self.part(syntax)
            raise self.error(f"uses the condition {part} as a number; use where(condition, a, b)")
        return node

    def condition(self, syntax: ast.expr, depth: int) -> Node:
        """Return a part of the expression that must be true or false."""
        node = self.visit(syntax, depth + 1)
        if not node.boolean:
            part = self.part(syntax)
            raise self.error(f"uses the number {part} as a condition; compare it with something")
        return node

    def input(self, text: str) -> Node:
        if text in self.known:
            return name(text)
        if text in self.named:
            return self.named[text]
        if text in FUNCTIONS:
            raise self.error(f"uses {text} without arguments")
        known = sorted({*self.known, *self.named})
        unknown = format_value(text)
        near = suggest(text, known)
        raise self.error(f"has the unknown name {unknown}; known: {list_names(known)}{near}")

    def literal(self, value: object) -> Node:
        if value is None:  # which format_value calls null, as YAML does
            raise self.error(f"has None; allowed: {_GRAMMAR}")
        if not is_number(value):
            raise self.error(f"has {format_value(value)}; allowed: {_GRAMMAR}")
        if not abs(value) <= MAX_NUMBER:
            raise self.error(f"has a number beyond {MAX_NUMBER:g}")
        return constant(value)

    def power(self, syntax: ast.BinOp, depth: int) -> Node:
        base = self.number(syntax.left, depth)
        match syntax.right:
            case ast.Constant(value=exponent) if is_whole(exponent) and 1 <= exponent <= MAX_POWER:
                return power(base, exponent)
        part = self.part(syntax.right)
        raise self.error(f"raises to {part}; allowed: whole numbers from 1 to {MAX_POWER}")

    def comparison(self, syntax: ast.Compare, depth: int) -> Node:
        """Return ``a < b``; ``a < b < c`` means both."""
        if any(type(sign) not in _COMPARISONS for sign in syntax.ops):
            raise self.error("compares with in or is; allowed: < <= > >= == !=")
        operands = [syntax.left, *syntax.comparators]
        nodes = [self.number(operand, depth) for operand in operands]
        comparisons = []
        for sign, left, right in zip(syntax.ops, nodes, nodes[1:], strict=False):
            comparison = _COMPARISONS[type(sign)]
            comparisons.append(op(comparison, left, right))
        return _join("and", comparisons)

    def call(self, function: str, args: list[ast.expr], depth: int) -> Node:
        self.check_call(function, len(args))
        if function == "where":
            condition = self.condition(args[0], depth)
            then = self.number(args[1], depth)
            otherwise = self.number(args[2], depth)
            return where(condition, then, otherwise)
        numbers = [self.number(arg, depth) for arg in args]
        if function in _EXTREMES:
            return _extreme(_EXTREMES[function], numbers)
        return op(function, *numbers)

    def check_call(self, function: str, count: int) -> None:
        if function not in FUNCTIONS:
            called = format_value(function)
            near = suggest(function, FUNCTIONS)
            raise self.error(f"calls {called}; allowed: {list_names(FUNCTIONS)}{near}")
        wanted = FUNCTIONS[function]
        takes_more = function in _EXTREMES
        if count < wanted or (count > wanted and not takes_more):
            takes = f"at least {wanted}" if takes_more else wanted
            raise self.error(f"gives {function} {count} arguments, it takes {takes}")

    # --- messages ---

    def error(self, problem: str) -> EquationError:
        expression = format_value(self.text)
        return EquationError(f"{self.where}: {expression} {problem}")

    def part(self, syntax: ast.expr) -> str:
        """Return a part of the expression as it is written."""
        written = ast.get_source_segment(self.text.strip(), syntax)
        return format_value(written)


def _join(operation: str, conditions: list[Node]) -> Node:
    """Return conditions joined by ``and`` or ``or``, from the left."""
    joined = conditions[0]
    for condition in conditions[1:]:
        joined = op(operation, joined, condition)
    return joined


def _extreme(comparison: str, numbers: list[Node]) -> Node:
    """Return the smallest (``lt``) or largest (``gt``) number as choices, from the left."""
    extreme = numbers[0]
    for number in numbers[1:]:
        extreme = where(op(comparison, extreme, number), extreme, number)
    return extreme
