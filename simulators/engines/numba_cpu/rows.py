"""Scalar products and weighted sums of rows in vectors of a fixed size, for compiled code.

A compiler may not reorder a sum of floats, so it leaves one in a loop undone a number at a time;
and were it allowed to, its order would differ from machine to machine. Here the order is written
down: `lanes` partial sums, added up along one tree. A processor of narrower vectors splits them
and gives the same bits. `GROUP` rows are done at once, so that no addition waits for the last.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from simulators.engines.numba_cpu.vectors import INT32, Code, Place, Value

GROUP = 8
"""Rows done at once."""

BYTES = 32
"""Of a vector; arrays' columns fill whole ones."""

LINE = 64
"""Bytes of a cache line."""

TREE = 64
"""Numbers that `tree_sum` adds."""


def lanes(itemsize: int) -> int:
    """Return how many numbers a vector holds."""
    return BYTES // itemsize


def _place(context: Any, builder: ir.IRBuilder, kind: Any, array: Any) -> Place:
    """Return the place of an array of numba's, read in vectors of this size."""
    return Place.of(context, builder, kind, array, lanes(kind.dtype.bitwidth // 8))


def _shuffle(one: Value, other: Value, order: list[int]) -> Value:
    mask = ir.Constant(ir.VectorType(INT32, len(order)), order)
    return Value(one.builder, one.builder.shuffle_vector(one.ir, other.ir, mask))


def _pair_sums(one: Value, other: Value, size: int) -> Value:
    """Add neighbouring stretches of ``size`` lanes: (a, b) of ``one`` and (c, d) of ``other``
    become (a + b, c + d), pair after pair.
    """
    left, right = [], []
    count = one.type.count
    for start in range(0, count, 2 * size):
        for base in (start, count + start):
            left += range(base, base + size)
            right += range(base + size, base + 2 * size)
    return _shuffle(one, other, left) + _shuffle(one, other, right)


def _group(offsets: Place, first: Value) -> list[Value]:
    """Load the offsets of a group."""
    return [offsets.get(first + number) for number in range(GROUP)]


@intrinsic
def products(typingctx, data, offsets, first, point, columns, out, to):
    """Put the scalar products of ``point`` and a group of rows into out[to : to + GROUP].

    Row i is data[offsets[first + i] :], all of ``columns`` numbers, a multiple of a vector's.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code = Code(builder)
        rows, where, x, z = (
            _place(context, builder, kind, args[i])
            for kind, i in ((data, 0), (offsets, 1), (point, 3), (out, 5))
        )
        starts = _group(where, Value(builder, args[2]))
        sums = [code.variable(rows.zero) for _ in starts]
        with code.loop(Value(builder, args[4]), rows.count) as column:
            place = x.load(column)
            for start, sum_ in zip(starts, sums, strict=True):
                sum_.set(sum_.get() + rows.load(start + column) * place)
        left, size = [sum_.get() for sum_ in sums], 1
        while size < rows.count:
            left = [
                _pair_sums(one, other, size)
                for one, other in zip(left[::2], left[1::2], strict=True)
            ]
            size *= 2
        # A lane is now a row's whole sum, in the order that the pairings have left.
        order = _order(rows.count)
        for number, vector in enumerate(left):
            sorted_ = _shuffle(vector, vector, order)
            z.store(Value(builder, args[6]) + number * rows.count, sorted_)
        return context.get_dummy_value()

    arguments = (data, offsets, types.int64, point, types.int64, out, types.int64)
    return types.void(*arguments), codegen


def _order(count: int) -> list[int]:
    """Return the lane in which each row's sum ends, for ``count`` rows of ``count`` lanes."""

    def pairs(one: list[int], other: list[int], size: int) -> list[int]:
        out: list[int] = []
        for start in range(0, count, 2 * size):
            for vector in (one, other):
                out += vector[start : start + size]
        return out

    rows, size = [[number] * count for number in range(count)], 1
    while size < count:
        rows = [pairs(a, b, size) for a, b in zip(rows[::2], rows[1::2], strict=True)]
        size *= 2
    return [rows[0].index(number) for number in range(count)]


@intrinsic
def add_rows(typingctx, data, offsets, first, weights, at, columns, total):
    """Add a group of rows, each times its weights[at + i], to ``total``; rows as `products`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, where, w, to = (
            _place(context, builder, kind, args[i])
            for kind, i in ((data, 0), (offsets, 1), (weights, 3), (total, 6))
        )
        starts = _group(where, Value(builder, args[2]))
        factors = [rows.zero.like(w.get(Value(builder, args[4]) + i)) for i in range(GROUP)]
        with Code(builder).loop(Value(builder, args[5]), rows.count) as column:
            terms = [
                rows.load(start + column) * factor
                for start, factor in zip(starts, factors, strict=True)
            ]
            to.store(column, to.load(column) + _tree(terms))
        return context.get_dummy_value()

    arguments = (data, offsets, types.int64, weights, types.int64, types.int64, total)
    return types.void(*arguments), codegen


def _tree(terms: list[Value]) -> Value:
    while len(terms) > 1:
        terms = [one + other for one, other in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0]


@intrinsic
def tree_sum(typingctx, numbers, start):
    """Return the sum of `TREE` float64 numbers, numbers[start : start + TREE], by halving."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        code, place = Code(builder), _place(context, builder, numbers, args[0])
        first = Value(builder, args[1])
        vector = _tree([place.load(first + i) for i in range(0, TREE, place.count)])
        return _tree([vector.lane(code.number(i)) for i in range(place.count)]).ir

    return numbers.dtype(numbers, types.int64), codegen


@intrinsic
def prefetch(typingctx, data, offset, columns):
    """Ask for the cache lines of data[offset : offset + columns]; it changes no result."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, flag = ir.IntType(8).as_pointer(), INT32
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        rows, step = _place(context, builder, data, args[0]), LINE * 8 // data.dtype.bitwidth
        with Code(builder).loop(Value(builder, args[2]), step) as column:
            place = builder.gep(rows.ir, [(Value(builder, args[1]) + column).ir])
            # To read, to stay in every level of the cache, data.
            builder.call(function, [builder.bitcast(place, byte), flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(data, types.int64, types.int64), codegen
