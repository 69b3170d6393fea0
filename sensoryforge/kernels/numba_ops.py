"""Operations that numba lacks, as LLVM instructions: what generated kernels call.

Each is one or a few vector instructions and rounds as the torch backend's operation of that name does. Rows live on
the stack, where LLVM knows that they do not overlap, so that loops over them are vectorised without checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import Signature
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from sensoryforge.noise import MULTIPLIERS, WEYL

Typed = tuple[Signature, Callable[..., Any]]

_F32, _I8, _I32, _I64 = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
_ALIGNMENT = 64
_LOW = 0xFFFFFFFF
_ONE_BITS, _TWO_BITS = 0x3F800000, 0x40000000


def _typed(result: Any, arguments: tuple[Any, ...], build: Callable[..., Any]) -> Typed:
    """Return a signature and the code for it; ``build`` takes the builder and the arguments."""
    return result(*arguments), lambda context, builder, signature, args: build(builder, *args)


def _i32(value: int) -> Any:
    return ir.Constant(_I32, value)


def _of_llvm(name: str) -> Typed:
    def build(b: Any, x: Any) -> Any:
        return b.call(b.module.declare_intrinsic(name, [_F32]), [x])

    return _typed(types.float32, (types.float32,), build)


def _rint(typing: Any, x: Any) -> Typed:
    """Round half to even."""
    return _of_llvm("llvm.rint")


def _root(typing: Any, x: Any) -> Typed:
    """Return the correctly rounded square root."""
    return _of_llvm("llvm.sqrt")


def _absolute(typing: Any, x: Any) -> Typed:
    """Return the magnitude."""
    return _of_llvm("llvm.fabs")


def _divide(typing: Any, x: Any, y: Any) -> Typed:
    """Return the correctly rounded quotient."""
    return _typed(types.float32, (types.float32, types.float32), lambda b, x, y: b.fdiv(x, y))


def _inverse(typing: Any, condition: Any) -> Typed:
    """Return whether a condition does not hold."""
    return _typed(types.boolean, (types.boolean,), lambda b, condition: b.not_(condition))


def _exp2i(typing: Any, n: Any) -> Typed:
    """Return two to a whole power from -126 to 127."""

    def build(b: Any, n: Any) -> Any:
        return b.bitcast(b.shl(b.add(b.fptosi(n, _I32), _i32(127)), _i32(23)), _F32)

    return _typed(types.float32, (types.float32,), build)


def _exponent(typing: Any, x: Any) -> Typed:
    """Return the binary exponent of a positive normal number."""

    def build(b: Any, x: Any) -> Any:
        field = b.and_(b.ashr(b.bitcast(x, _I32), _i32(23)), _i32(255))
        return b.sitofp(b.sub(field, _i32(127)), _F32)

    return _typed(types.float32, (types.float32,), build)


def _mantissas(typing: Any, x: Any) -> Typed:
    """Return x * exp2i(1 - exponent(x)) of a positive normal number: two mantissas, from 2 to 4."""

    def build(b: Any, x: Any) -> Any:
        return b.bitcast(b.or_(b.and_(b.bitcast(x, _I32), _i32(0x7FFFFF)), _i32(_TWO_BITS)), _F32)

    return _typed(types.float32, (types.float32,), build)


def _select(typing: Any, condition: Any, x: Any, y: Any) -> Typed:
    """Return x where the condition holds, else y; both are computed."""
    arguments = (types.boolean, types.float32, types.float32)
    return _typed(types.float32, arguments, lambda b, condition, x, y: b.select(condition, x, y))


def _radius_word(typing: Any, word: Any, one: Any) -> Typed:
    """Return the upper 24 bits of a word, plus 1.

    The 1 comes as a number that LLVM does not know: it would subtract a register of all ones, set by an instruction
    that waits for what the register last held, the end of the round before, and a round would take three times as long.
    """
    arguments = (types.uint32, types.uint32)
    return _typed(types.float32, arguments, lambda b, word, one: b.sitofp(b.add(b.lshr(word, _i32(8)), one), _F32))


def _angle_word(typing: Any, word: Any) -> Typed:
    """Return the upper 24 bits of a word as a number from -0.5 to 0.5."""

    def build(b: Any, word: Any) -> Any:
        scaled = b.fmul(b.sitofp(b.lshr(word, _i32(8)), _F32), ir.Constant(_F32, 2.0**-24))
        return b.fsub(scaled, ir.Constant(_F32, 0.5))

    return _typed(types.float32, (types.uint32,), build)


def _sign_word(bit: int) -> Callable[[Any, Any], Typed]:
    def build(b: Any, word: Any) -> Any:
        sign = b.and_(b.shl(word, _i32(31 - bit)), _i32(1 << 31))
        return b.bitcast(b.or_(sign, _i32(_ONE_BITS)), _F32)

    def sign_word(typing: Any, word: Any) -> Typed:
        return _typed(types.float32, (types.uint32,), build)

    return sign_word


def _philox(typing: Any, call: Any, neuron: Any, key0: Any, key1: Any) -> Typed:
    """Return the four words of Philox4x32-10, each in the lower half of 64 bits; the upper halves are not clean.

    Only lower halves are multiplied, so that one product is one vpmuludq and nothing is masked in between.
    """

    def build(b: Any, call: Any, neuron: Any, k0: Any, k1: Any) -> Any:
        low, half, zero = (ir.Constant(_I64, v) for v in (_LOW, 32, 0))
        c0, c1, c2, c3 = call, neuron, zero, zero
        for _ in range(10):
            p0, p1 = (b.mul(b.and_(c, low), ir.Constant(_I64, m)) for c, m in zip((c0, c2), MULTIPLIERS, strict=True))
            c0, c1 = b.xor(b.xor(b.lshr(p1, half), c1), k0), p1
            c2, c3 = b.xor(b.xor(b.lshr(p0, half), c3), k1), p0
            k0, k1 = (b.add(k, ir.Constant(_I64, w)) for k, w in zip((k0, k1), WEYL, strict=True))
        return cgutils.pack_array(b, [c0, c1, c2, c3])

    return _typed(types.UniTuple(types.uint64, 4), (types.uint64,) * 4, build)


def _pair(typing: Any, even: Any, odd: Any) -> Typed:
    """Return the lower halves of two numbers in one: the words of an even neuron and of the odd one after it."""

    def build(b: Any, even: Any, odd: Any) -> Any:
        return b.or_(b.and_(even, ir.Constant(_I64, _LOW)), b.shl(odd, ir.Constant(_I64, 32)))

    return _typed(types.uint64, (types.uint64, types.uint64), build)


def _view(context: Any, builder: Any, kind: Any, data: Any, shape: list[int]) -> Any:
    """Return an array of the given type and shape over memory that others own."""
    item = context.get_value_type(kind.dtype) if kind.dtype != types.boolean else _I8
    size = context.get_abi_sizeof(item)
    strides = [size * (shape[1] if axis == 0 and len(shape) == 2 else 1) for axis in range(len(shape))]
    array = make_array(kind)(context, builder)
    populate_array(
        array,
        data=builder.bitcast(data, item.as_pointer()),
        shape=[context.get_constant(types.intp, n) for n in shape],
        strides=[context.get_constant(types.intp, n) for n in strides],
        itemsize=context.get_constant(types.intp, size),
        meminfo=None,
    )
    return array._getvalue()


def _stack(dtype: Any) -> Callable[..., Typed]:
    def stack(typing: Any, *sizes: Any) -> Typed:
        shape = [size.literal_value for size in sizes]
        kind = types.Array(dtype, len(shape), "C")

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            item = context.get_value_type(dtype) if dtype != types.boolean else _I8
            count = shape[0] * (shape[1] if len(shape) == 2 else 1)
            with builder.goto_entry_block():
                data = builder.alloca(ir.ArrayType(item, count))
            data.align = _ALIGNMENT
            return _view(context, builder, kind, data, shape)

        return kind(*sizes), generate

    return stack


def _row(dtype: Any) -> Callable[[Any, Any], Typed]:
    make = _stack(dtype)

    def row(typing: Any, width: Any) -> Typed:
        return make(typing, width)

    return row


def _table(dtype: Any) -> Callable[[Any, Any, Any], Typed]:
    make = _stack(dtype)

    def table(typing: Any, rows: Any, width: Any) -> Typed:
        return make(typing, rows, width)

    return table


def _halves(typing: Any, table: Any, rows: Any, width: Any) -> Typed:
    """Return a table of 64-bit numbers as one of 32-bit words; rows and width are the words'."""
    kind, shape = types.Array(types.uint32, 2, "C"), [rows.literal_value, width.literal_value]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = make_array(signature.args[0])(context, builder, args[0])
        return _view(context, builder, kind, source.data, shape)

    return kind(table, rows, width), generate


def _copy(typing: Any, target: Any, offset: Any, source: Any, start: Any, count: Any) -> Typed:
    """Copy ``count`` items of a contiguous array from flat position ``start`` to another's at ``offset``."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = make_array(signature.args[0])(context, builder, args[0])
        of = make_array(signature.args[2])(context, builder, args[2])
        cgutils.memcpy(builder, builder.gep(to.data, [args[1]]), builder.gep(of.data, [args[3]]), args[4])
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), generate


def _wide_vectors(typing: Any) -> Typed:
    """Let LLVM use 512-bit vectors in the calling function where the processor has them."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # llvmlite lists the attributes it knows; this one is a pair that it does not.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


rint, root, absolute, select = intrinsic(_rint), intrinsic(_root), intrinsic(_absolute), intrinsic(_select)
divide, inverse = intrinsic(_divide), intrinsic(_inverse)
exp2i, exponent, mantissas = intrinsic(_exp2i), intrinsic(_exponent), intrinsic(_mantissas)
radius_word, angle_word = intrinsic(_radius_word), intrinsic(_angle_word)
sign_word_0, sign_word_1 = intrinsic(_sign_word(0)), intrinsic(_sign_word(1))
philox, pair = intrinsic(_philox), intrinsic(_pair)
_literal = intrinsic(prefer_literal=True)
row, flags, table = _literal(_row(types.float32)), _literal(_row(types.boolean)), _literal(_table(types.float32))
word_pairs, halves = _literal(_table(types.uint64)), _literal(_halves)
copy, wide_vectors = intrinsic(_copy), intrinsic(_wide_vectors)
