"""Expressions of the equation language: a closed grammar, parsed once into a graph that every backend runs.

The grammar is names, numbers, ``+ - * /``, integer powers, comparisons, ``and or not``, ``where``, ``min``, ``max``,
``abs``, ``exp``, ``log``, ``sqrt`` and ``tanh``. Python's own parser reads the text; nothing is evaluated, and no
attribute, call, import or subscript outside this list gets through. Powers, ``min`` and ``max`` become products and
selects here, so that a backend needs only operations that IEEE 754 rounds one way.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from sensoryforge.errors import EquationError, listing, quote, suggest

FUNCTIONS: dict[str, int] = {
    "where": 3, "min": 2, "max": 2, "abs": 1, "exp": 1, "log": 1, "sqrt": 1, "tanh": 1,
}  # fmt: skip
"""Functions of the grammar and how many arguments each takes (min and max: at least)."""

MAX_CHARACTERS = 4000
MAX_DEPTH = 60
MAX_POWER = 16
MAX_NUMBER = 3.4e38

_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip
_BOOLEAN = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
_GRAMMAR = "names, numbers, + - * /, integer powers, comparisons, and/or/not, " + listing(FUNCTIONS)


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of an expression graph; ``value`` is a constant's number or an input's name."""

    op: str
    args: tuple[Node, ...] = field(default=(), repr=False)
    value: float | str = 0.0

    @property
    def boolean(self) -> bool:
        """Whether the result is true or false, not a number."""
        return self.op in _BOOLEAN


def constant(value: float) -> Node:
    """Return a literal; backends round it to their own precision."""
    return Node("const", (), float(value))


def name(text: str) -> Node:
    """Return an input: a state, a parameter or a reserved name."""
    return Node("name", (), text)


def op(kind: str, *args: Node | float) -> Node:
    """Return an operation on nodes; plain numbers become literals."""
    return Node(kind, tuple(a if isinstance(a, Node) else constant(a) for a in args))


def polynomial(x: Node, *coefficients: float) -> Node:
    """Return the polynomial with the given coefficients, lowest power first, by Horner's rule."""
    result = constant(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = op("add", op("mul", result, x), c)
    return result


def power(x: Node, exponent: int) -> Node:
    """Return x to a positive integer power as products, by squaring."""
    if exponent == 1:
        return x
    half = power(x, exponent // 2)
    square = op("mul", half, half)
    return op("mul", square, x) if exponent % 2 else square


def names_in(node: Node) -> set[str]:
    """Return the input names that an expression reads."""
    return {str(n.value) for n in ordered([node]) if n.op == "name"}


def ordered(roots: Iterable[Node]) -> list[Node]:
    """Return every node under the roots once, arguments before their users."""
    seen: set[int] = set()
    result: list[Node] = []
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        node, ready = stack.pop()
        if ready:
            result.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))
    return result


def rewrite(roots: Mapping[str, Node], rule: Callable[[Node], Node]) -> dict[str, Node]:
    """Return the graph with ``rule`` applied to every node, arguments first."""
    done: dict[int, Node] = {}
    for node in ordered(roots.values()):
        args = tuple(done[id(a)] for a in node.args)
        done[id(node)] = rule(node if args == node.args else Node(node.op, args, node.value))
    return {key: done[id(root)] for key, root in roots.items()}


def substitute(roots: Mapping[str, Node], values: Mapping[str, Node]) -> dict[str, Node]:
    """Return the graph with input names replaced by other nodes."""
    return rewrite(roots, lambda n: values.get(str(n.value), n) if n.op == "name" else n)


def parse(text: object, known: Iterable[str], where: str, *, boolean: bool = False) -> Node:
    """Parse one expression.

    ``text`` is a string or a number, ``known`` the names it may use, ``where`` names the equation in messages and
    ``boolean`` says that a condition is wanted. Raises EquationError with one line.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise EquationError(f"{where}: expected an expression, got {quote(text)}")
    if isinstance(text, int | float) and not abs(text) <= MAX_NUMBER:
        raise EquationError(f"{where}: {quote(text)} is not a number up to {MAX_NUMBER:g}")
    source = repr(text) if isinstance(text, int | float) else text
    node = _Parser(frozenset(known), where, source).parse()
    if node.boolean != boolean:
        wanted, got = ("a condition", "a number") if boolean else ("a number", "a condition")
        raise EquationError(f"{where}: {quote(source)} is {got}, expected {wanted}")
    return node


class _Parser:
    """Turns Python's syntax tree into nodes, or says in one line what is not allowed."""

    def __init__(self, known: frozenset[str], where: str, source: str) -> None:
        self.known, self.where, self.source = known, where, source

    def parse(self) -> Node:
        if len(self.source) > MAX_CHARACTERS:
            raise self.error(f"is longer than {MAX_CHARACTERS} characters")
        if not self.source.isascii():  # Python would read a look-alike as the plain letter
            odd = sorted({ascii(c) for c in self.source if not c.isascii()})
            raise self.error(f"has {listing(odd[:5])}; allowed: ASCII characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self.source.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
            raise self.error(f"is not an expression ({reason})") from None
        return self.visit(tree.body, 0)

    def error(self, what: str) -> EquationError:
        return EquationError(f"{self.where}: {quote(self.source)} {what}")

    def text(self, node: ast.expr) -> str:
        return quote(ast.get_source_segment(self.source.strip(), node))

    def visit(self, node: ast.expr, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error(f"is nested deeper than {MAX_DEPTH} levels")
        match node:
            case ast.Name(id=text):
                return self.name(text)
            case ast.Constant(value=value):
                return self.number(value)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.power(self.real(left, depth), right)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
                return op(_ARITHMETIC[type(sign)], self.real(left, depth), self.real(right, depth))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return op("neg", self.real(operand, depth))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.real(operand, depth)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return op("not", self.condition(operand, depth))
            case ast.BoolOp(op=sign, values=values):
                kind = "and" if isinstance(sign, ast.And) else "or"
                return reduce(lambda a, b: op(kind, a, b), [self.condition(v, depth) for v in values])
            case ast.Compare(left=left, ops=signs, comparators=others):
                return self.comparison([left, *others], signs, depth)
            case ast.Call(func=ast.Name(id=function), args=args, keywords=[]):
                return self.call(function, args, depth)
        raise self.error(f"uses {type(node).__name__}; allowed: {_GRAMMAR}")

    def real(self, node: ast.expr, depth: int) -> Node:
        result = self.visit(node, depth + 1)
        if result.boolean:
            raise self.error(f"uses the condition {self.text(node)} as a number; use where(condition, a, b)")
        return result

    def condition(self, node: ast.expr, depth: int) -> Node:
        result = self.visit(node, depth + 1)
        if not result.boolean:
            raise self.error(f"uses the number {self.text(node)} as a condition; compare it with something")
        return result

    def name(self, text: str) -> Node:
        if text in self.known:
            return name(text)
        if text in FUNCTIONS:
            raise self.error(f"uses {text} without arguments")
        known = sorted(self.known)
        raise self.error(f"has the unknown name {quote(text)}; known: {listing(known)}{suggest(text, known)}")

    def number(self, value: object) -> Node:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(f"has {quote(value)}; allowed: {_GRAMMAR}")
        if not abs(value) <= MAX_NUMBER:
            raise self.error(f"has a number beyond {MAX_NUMBER:g}")
        return constant(value)

    def power(self, base: Node, exponent: ast.expr) -> Node:
        if not (
            isinstance(exponent, ast.Constant) and type(exponent.value) is int and 1 <= exponent.value <= MAX_POWER
        ):
            raise self.error(f"raises to {self.text(exponent)}; allowed: whole numbers from 1 to {MAX_POWER}")
        return power(base, exponent.value)

    def comparison(self, operands: list[ast.expr], signs: list[ast.cmpop], depth: int) -> Node:
        if any(type(sign) not in _COMPARISONS for sign in signs):
            raise self.error("compares with in or is; allowed: < <= > >= == !=")
        nodes = [self.real(operand, depth) for operand in operands]
        pairs = [op(_COMPARISONS[type(s)], a, b) for s, a, b in zip(signs, nodes, nodes[1:], strict=False)]
        return reduce(lambda a, b: op("and", a, b), pairs)

    def call(self, function: str, args: list[ast.expr], depth: int) -> Node:
        if function not in FUNCTIONS:
            raise self.error(f"calls {quote(function)}; allowed: {listing(FUNCTIONS)}{suggest(function, FUNCTIONS)}")
        wanted, many = FUNCTIONS[function], function in ("min", "max")
        if len(args) < wanted or (len(args) > wanted and not many):
            raise self.error(f"gives {function} {len(args)} arguments, it takes {'at least ' * many}{wanted}")
        if function == "where":
            return op("where", self.condition(args[0], depth), self.real(args[1], depth), self.real(args[2], depth))
        nodes = [self.real(arg, depth) for arg in args]
        if many:
            sign = "lt" if function == "min" else "gt"
            return reduce(lambda a, b: op("where", op(sign, a, b), a, b), nodes)
        return op(function, *nodes)
