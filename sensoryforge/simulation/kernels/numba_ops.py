"""Operations that numba lacks, as LLVM instructions: what generated CPU kernels call.

Each is one or a few vector instructions, and rounds as the torch backend's operation of that name
does. Rows live on the stack, where LLVM knows that they do not overlap, so that loops over them
are vectorised without checks.

An ``intrinsic`` is called when a kernel is compiled. Its arguments are types, and it returns the
operation's signature and the function that builds its instructions. The text of this file is part
of the name under which compiled kernels are kept (:mod:`.cache`): every edit compiles them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import Signature
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from sensoryforge.simulation.kernels.noise import MULTIPLIERS, ROUNDS, WEYL

Typed = tuple[Signature, Callable[..., Any]]
"""A signature, and the function that builds the instructions."""

_F32 = ir.FloatType()
_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector."""
_LOW_WORD = 0xFFFFFFFF
# A float32: sign (bit 31), biased exponent (bits 23 to 30), mantissa (bits 0 to 22).
_SIGN_BIT = 1 << 31
_MANTISSA_BITS = 0x7FFFFF
_MANTISSA_SIZE = 23
_EXPONENT_BITS = 255
_BIAS = 127
_ONE_BITS, _TWO_BITS = 0x3F800000, 0x40000000  # the numbers 1 and 2


def _typed(result: Any, arguments: tuple[Any, ...], build: Callable[..., Any]) -> Typed:
    """Return a signature and the code for it; ``build`` takes the builder and the arguments."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return build(builder, *args)

    return result(*arguments), generate


def _i32(value: int) -> Any:
    return ir.Constant(_I32, value)


def _i64(value: int) -> Any:
    return ir.Constant(_I64, value)


# --- arithmetic ---


def _of_llvm(name: str) -> Typed:
    """Return one of LLVM's own functions of a float32."""

    def build(b: Any, x: Any) -> Any:
        return b.call(b.module.declare_intrinsic(name, [_F32]), [x])

    return _typed(types.float32, (types.float32,), build)


@intrinsic
def rint(typing: Any, x: Any) -> Typed:
    """Round half to even."""
    return _of_llvm("llvm.rint")


@intrinsic
def root(typing: Any, x: Any) -> Typed:
    """Return the correctly rounded square root."""
    return _of_llvm("llvm.sqrt")


@intrinsic
def absolute(typing: Any, x: Any) -> Typed:
    """Return the magnitude."""
    return _of_llvm("llvm.fabs")


@intrinsic
def divide(typing: Any, x: Any, y: Any) -> Typed:
    """Return the correctly rounded quotient."""

    def build(b: Any, x: Any, y: Any) -> Any:
        return b.fdiv(x, y)

    return _typed(types.float32, (types.float32, types.float32), build)


@intrinsic
def inverse(typing: Any, condition: Any) -> Typed:
    """Return whether a condition does not hold."""

    def build(b: Any, condition: Any) -> Any:
        return b.not_(condition)

    return _typed(types.boolean, (types.boolean,), build)


@intrinsic
def select(typing: Any, condition: Any, x: Any, y: Any) -> Typed:
    """Return x where the condition holds, else y; both are computed, so that there is no branch."""

    def build(b: Any, condition: Any, x: Any, y: Any) -> Any:
        return b.select(condition, x, y)

    return _typed(types.float32, (types.boolean, types.float32, types.float32), build)


@intrinsic
def exp2i(typing: Any, n: Any) -> Typed:
    """Return two to a whole power from -126 to 127."""

    def build(b: Any, n: Any) -> Any:
        biased = b.add(b.fptosi(n, _I32), _i32(_BIAS))
        return b.bitcast(b.shl(biased, _i32(_MANTISSA_SIZE)), _F32)

    return _typed(types.float32, (types.float32,), build)


@intrinsic
def exponent(typing: Any, x: Any) -> Typed:
    """Return the binary exponent of a positive normal number."""

    def build(b: Any, x: Any) -> Any:
        bits = b.ashr(b.bitcast(x, _I32), _i32(_MANTISSA_SIZE))
        biased = b.and_(bits, _i32(_EXPONENT_BITS))
        return b.sitofp(b.sub(biased, _i32(_BIAS)), _F32)

    return _typed(types.float32, (types.float32,), build)


@intrinsic
def mantissas(typing: Any, x: Any) -> Typed:
    """Return x * exp2i(1 - exponent(x)) of a positive normal number: two mantissas, from 2 to 4."""

    def build(b: Any, x: Any) -> Any:
        mantissa = b.and_(b.bitcast(x, _I32), _i32(_MANTISSA_BITS))
        return b.bitcast(b.or_(mantissa, _i32(_TWO_BITS)), _F32)

    return _typed(types.float32, (types.float32,), build)


# --- noise ---


@intrinsic
def philox(typing: Any, call: Any, neuron: Any, key0: Any, key1: Any) -> Typed:
    """Return the four words of Philox (:mod:`.noise`) at the counter (call, neuron, 0, 0).

    Each stands in the lower half of 64 bits; the upper halves are not clean. Only lower halves are
    multiplied, so that one product is one vpmuludq and nothing is masked in between.
    """

    def build(b: Any, call: Any, neuron: Any, k0: Any, k1: Any) -> Any:
        low, half, zero = _i64(_LOW_WORD), _i64(32), _i64(0)
        c0, c1, c2, c3 = call, neuron, zero, zero
        for _ in range(ROUNDS):
            product0 = b.mul(b.and_(c0, low), _i64(MULTIPLIERS[0]))
            product1 = b.mul(b.and_(c2, low), _i64(MULTIPLIERS[1]))
            high1 = b.lshr(product1, half)
            c0 = b.xor(b.xor(high1, c1), k0)
            c1 = product1
            high0 = b.lshr(product0, half)
            c2 = b.xor(b.xor(high0, c3), k1)
            c3 = product0
            k0 = b.add(k0, _i64(WEYL[0]))
            k1 = b.add(k1, _i64(WEYL[1]))
        return cgutils.pack_array(b, [c0, c1, c2, c3])

    return _typed(types.UniTuple(types.uint64, 4), (types.uint64,) * 4, build)


@intrinsic
def pair(typing: Any, even: Any, odd: Any) -> Typed:
    """Return the lower halves of two numbers in one: a word of an even neuron and of the next.

    The generator works on 64 bits, what follows it on 32. Stored as pairs, the words of neighbours
    lie side by side for the loop over normals, and no vector has to be taken apart.
    """

    def build(b: Any, even: Any, odd: Any) -> Any:
        lower = b.and_(even, _i64(_LOW_WORD))
        upper = b.shl(odd, _i64(32))
        return b.or_(lower, upper)

    return _typed(types.uint64, (types.uint64, types.uint64), build)


@intrinsic
def radius_word(typing: Any, word: Any, one: Any) -> Typed:
    """Return the upper 24 bits of a word, plus 1.

    The 1 comes as a number that LLVM does not know. A 1 that it knows it adds by subtracting a
    register of all ones, set by an instruction that waits for what the register last held, the end
    of the round before: a round would take three times as long.
    """

    def build(b: Any, word: Any, one: Any) -> Any:
        upper = b.lshr(word, _i32(8))
        return b.sitofp(b.add(upper, one), _F32)

    return _typed(types.float32, (types.uint32, types.uint32), build)


@intrinsic
def angle_word(typing: Any, word: Any) -> Typed:
    """Return the upper 24 bits of a word as a number from -0.5 to 0.5."""

    def build(b: Any, word: Any) -> Any:
        whole = b.sitofp(b.lshr(word, _i32(8)), _F32)
        scaled = b.fmul(whole, ir.Constant(_F32, 2.0**-24))
        return b.fsub(scaled, ir.Constant(_F32, 0.5))

    return _typed(types.float32, (types.uint32,), build)


def _sign_word(bit: int) -> Any:
    """Return the operation that gives -1 where a bit of a word is set, else 1."""

    def build(b: Any, word: Any) -> Any:
        at_the_top = b.shl(word, _i32(31 - bit))
        sign = b.and_(at_the_top, _i32(_SIGN_BIT))
        return b.bitcast(b.or_(sign, _i32(_ONE_BITS)), _F32)

    def sign_word(typing: Any, word: Any) -> Typed:
        return _typed(types.float32, (types.uint32,), build)

    return intrinsic(sign_word)


sign_word_0, sign_word_1 = _sign_word(0), _sign_word(1)


# --- rows and tables ---


# The sizes of what lies on the stack must be known when a kernel is compiled.
_intrinsic_of_literals = intrinsic(prefer_literal=True)


def _view(context: Any, builder: Any, array_type: Any, data: Any, shape: list[int]) -> Any:
    """Return an array of the given type and shape over memory that others own."""
    item = _item_type(context, array_type.dtype)
    size = context.get_abi_sizeof(item)
    strides = [size]
    if len(shape) == 2:
        strides = [size * shape[1], size]
    array = make_array(array_type)(context, builder)
    populate_array(
        array,
        data=builder.bitcast(data, item.as_pointer()),
        shape=[context.get_constant(types.intp, n) for n in shape],
        strides=[context.get_constant(types.intp, n) for n in strides],
        itemsize=context.get_constant(types.intp, size),
        meminfo=None,
    )
    return array._getvalue()


def _item_type(context: Any, dtype: Any) -> Any:
    # A condition is one bit to LLVM, and a byte in an array.
    return _I8 if dtype == types.boolean else context.get_value_type(dtype)


def _stack(dtype: Any) -> Callable[..., Typed]:
    """Return what makes an array of one or two dimensions on the stack."""

    def stack(*sizes: Any) -> Typed:
        shape = [size.literal_value for size in sizes]
        array_type = types.Array(dtype, len(shape), "C")

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            item = _item_type(context, dtype)
            count = prod(shape)
            # At the function's entry, so that the stack does not grow where this stands in a loop.
            with builder.goto_entry_block():
                data = builder.alloca(ir.ArrayType(item, count))
            data.align = _ALIGNMENT
            return _view(context, builder, array_type, data, shape)

        return array_type(*sizes), generate

    return stack


def _row(dtype: Any) -> Any:
    stack = _stack(dtype)

    def row(typing: Any, width: Any) -> Typed:
        return stack(width)

    return _intrinsic_of_literals(row)


def _table(dtype: Any) -> Any:
    stack = _stack(dtype)

    def table(typing: Any, rows: Any, width: Any) -> Typed:
        return stack(rows, width)

    return _intrinsic_of_literals(table)


row, flags = _row(types.float32), _row(types.boolean)
table, word_pairs = _table(types.float32), _table(types.uint64)


@_intrinsic_of_literals
def halves(typing: Any, table: Any, rows: Any, width: Any) -> Typed:
    """Return a table of 64-bit numbers as one of 32-bit words; rows and width are the words'."""
    array_type = types.Array(types.uint32, 2, "C")
    shape = [rows.literal_value, width.literal_value]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = make_array(signature.args[0])(context, builder, args[0])
        return _view(context, builder, array_type, source.data, shape)

    return array_type(table, rows, width), generate


@intrinsic
def copy(typing: Any, target: Any, offset: Any, source: Any, start: Any, count: Any) -> Typed:
    """Copy ``count`` items of a contiguous array from flat place ``start`` to another's.

    One memcpy, without the checks for overlap and the counting of references that slices bring.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = make_array(signature.args[0])(context, builder, args[0])
        of = make_array(signature.args[2])(context, builder, args[2])
        first_target = builder.gep(to.data, [args[1]])
        first_source = builder.gep(of.data, [args[3]])
        cgutils.memcpy(builder, first_target, first_source, args[4])
        return context.get_dummy_value()

    return types.void(target, types.int64, source, types.int64, types.int64), generate


@intrinsic
def wide_vectors(typing: Any) -> Typed:
    """Let LLVM use 512-bit vectors in the calling function, where the processor has them.

    By itself it keeps to 256 bits on many of them, which once slowed down when all 512 were at
    work.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # llvmlite lists the attributes that it knows; this one is a pair, which it does not.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate
