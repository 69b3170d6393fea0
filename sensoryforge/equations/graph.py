"""Graphs of operations: what an expression is once it has been parsed.

A node is an operation on other nodes, a literal (``const``) or an input (``name``: a state, a
parameter or a reserved name). A node that is used twice stands once. So ``a*(b*v - u)`` is

    >>> v, u, a, b = name("v"), name("u"), name("a"), name("b")
    >>> print(a * (b * v - u))
    mul(a, sub(mul(b, v), u))

Python's signs between nodes make nodes, so that :mod:`sensoryforge.equations.elementary` reads as
formulas do. They make exactly the operations that are written, in that order: nothing is folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

BOOLEAN = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
"""Operations whose result is true or false."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a graph.

    Parameters
    ----------
    op
        The operation: ``add``, ``where``, ``exp``, ...; ``const`` for a literal, ``name`` for an
        input.
    args
        The nodes that it works on, in order.
    value
        The number of a literal, or the name of an input.

    Examples
    --------
    >>> print(name("v") / 2.0)
    div(v, 2.0)
    """

    op: str
    args: tuple[Node, ...] = field(default=(), repr=False)
    value: float | str = 0.0

    @property
    def boolean(self) -> bool:
        """Whether the result is true or false, not a number."""
        return self.op in BOOLEAN

    def __str__(self) -> str:
        if self.op in ("const", "name"):
            return str(self.value)
        arguments = ", ".join(str(argument) for argument in self.args)
        return f"{self.op}({arguments})"

    def __add__(self, other: Node | float) -> Node:
        return op("add", self, other)

    def __radd__(self, other: float) -> Node:
        return op("add", other, self)

    def __sub__(self, other: Node | float) -> Node:
        return op("sub", self, other)

    def __rsub__(self, other: float) -> Node:
        return op("sub", other, self)

    def __mul__(self, other: Node | float) -> Node:
        return op("mul", self, other)

    def __rmul__(self, other: float) -> Node:
        return op("mul", other, self)

    def __truediv__(self, other: Node | float) -> Node:
        return op("div", self, other)

    def __rtruediv__(self, other: float) -> Node:
        return op("div", other, self)

    def __neg__(self) -> Node:
        return op("neg", self)

    def __lt__(self, other: Node | float) -> Node:
        return op("lt", self, other)

    def __gt__(self, other: Node | float) -> Node:
        return op("gt", self, other)


# --- making nodes ---


def constant(value: float) -> Node:
    """Return a literal; backends round it to their own precision."""
    return Node("const", (), float(value))


def name(text: str) -> Node:
    """Return an input: a state, a parameter or a reserved name."""
    return Node("name", (), text)


def op(operation: str, *args: Node | float) -> Node:
    """Return an operation on nodes; plain numbers become literals."""
    nodes = [arg if isinstance(arg, Node) else constant(arg) for arg in args]
    return Node(operation, tuple(nodes))


def where(condition: Node, then: Node | float, otherwise: Node | float) -> Node:
    """Return the choice between two numbers."""
    return op("where", condition, then, otherwise)


def polynomial(x: Node, *coefficients: float) -> Node:
    """Return the polynomial with the given coefficients, lowest power first, by Horner's rule.

    Examples
    --------
    >>> print(polynomial(name("x"), 1.0, 2.0, 3.0))
    add(mul(add(mul(3.0, x), 2.0), x), 1.0)
    """
    result = constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = result * x + coefficient
    return result


def power(x: Node, exponent: int) -> Node:
    """Return x to a positive integer power as products, by squaring.

    Examples
    --------
    >>> print(power(name("x"), 5))
    mul(mul(mul(x, x), mul(x, x)), x)
    """
    if exponent == 1:
        return x
    half = power(x, exponent // 2)
    square = half * half
    return square * x if exponent % 2 else square


# --- walking and changing graphs ---


def names_in(node: Node) -> set[str]:
    """Return the names of the inputs that an expression reads."""
    names: set[str] = set()
    for part in ordered([node]):
        if part.op == "name":
            names.add(str(part.value))
    return names


def ordered(roots: Iterable[Node]) -> list[Node]:
    """Return every node under the roots once, arguments before their users.

    It keeps a stack of its own instead of calling itself: a sum of a thousand terms is as deep.
    """
    seen: set[int] = set()
    nodes: list[Node] = []
    # What is on the stack is to be visited, or, where its arguments have been, to be added.
    stack: list[tuple[Node, bool]] = []
    for root in reversed(list(roots)):
        stack.append((root, False))
    while stack:
        node, arguments_done = stack.pop()
        if arguments_done:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            for argument in reversed(node.args):
                stack.append((argument, False))
    return nodes


def rewrite(roots: Mapping[str, Node], rule: Callable[[Node], Node]) -> dict[str, Node]:
    """Return the graph with ``rule`` applied to every node, arguments first."""
    rewritten: dict[int, Node] = {}
    for node in ordered(roots.values()):
        args = tuple(rewritten[id(argument)] for argument in node.args)
        if args == node.args:
            rewritten[id(node)] = rule(node)
        else:
            changed = Node(node.op, args, node.value)
            rewritten[id(node)] = rule(changed)
    return {output: rewritten[id(root)] for output, root in roots.items()}


def substitute(root: Node, values: Mapping[str, Node]) -> Node:
    """Return the expression with inputs, by their names, replaced by other nodes.

    Examples
    --------
    >>> print(substitute(name("v") * 2.0, {"v": name("u") + 1.0}))
    mul(add(u, 1.0), 2.0)
    """

    def replace(node: Node) -> Node:
        if node.op != "name":
            return node
        return values.get(str(node.value), node)

    rewritten = rewrite({"root": root}, replace)
    return rewritten["root"]
