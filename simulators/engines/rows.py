"""Scalar products and weighted sums of rows in vectors of a fixed size, for compiled code.

A compiler may not reorder a sum of floats, so it leaves one in a loop undone a number at a time;
and were it allowed to, its order would differ from machine to machine. Here the order is written
down: `LANES` partial sums, added up along one tree. A processor of narrower vectors splits them
and gives the same bits. `GROUP` rows are done at once, so that no addition waits for the last.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

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


class _Vectors:
    """Writes loads and stores of the vectors of an array's dtype."""

    def __init__(self, context: Any, builder: ir.IRBuilder, kind: Any) -> None:
        self.context, self.builder = context, builder
        self.number = context.get_value_type(kind)
        self.itemsize = kind.bitwidth // 8
        self.lanes = lanes(self.itemsize)
        self.type = ir.VectorType(self.number, self.lanes)

    def data(self, kind: Any, array: Any) -> Any:
        return self.context.make_array(kind)(self.context, self.builder, array).data

    def at(self, pointer: Any, index: Any) -> Any:
        place = self.builder.gep(pointer, [index])
        return self.builder.bitcast(place, self.type.as_pointer())

    def load(self, pointer: Any, index: Any) -> Any:
        return self.builder.load(self.at(pointer, index), align=self.itemsize)

    def store(self, vector: Any, pointer: Any, index: Any) -> None:
        self.builder.store(vector, self.at(pointer, index), align=self.itemsize)

    def shuffle(self, one: Any, other: Any, order: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
        return self.builder.shuffle_vector(one, other, mask)

    def filled(self, number: Any) -> Any:
        """Return a vector whose every lane is this number."""
        empty = ir.Constant(self.type, ir.Undefined)
        one = self.builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(one, empty, [0] * self.lanes)

    def pair_sums(self, one: Any, other: Any, size: int) -> Any:
        """Add neighbouring stretches of ``size`` lanes: (a, b) of ``one`` and (c, d) of ``other``
        become (a + b, c + d), pair after pair.
        """
        left, right = [], []
        for start in range(0, self.lanes, 2 * size):
            for base in (start, self.lanes + start):
                left += range(base, base + size)
                right += range(base + size, base + 2 * size)
        return self.builder.fadd(self.shuffle(one, other, left), self.shuffle(one, other, right))


def _word(number: int) -> ir.Constant:
    return ir.Constant(ir.IntType(64), number)


def _group(vectors: _Vectors, offsets: Any, first: Any) -> list[Any]:
    """Load the offsets of a group."""
    builder = vectors.builder
    return [
        builder.load(builder.gep(offsets, [builder.add(first, _word(number))]))
        for number in range(GROUP)
    ]


@intrinsic
def products(typingctx, data, offsets, first, point, columns, out, to):
    """Put the scalar products of ``point`` and a group of rows into out[to : to + GROUP].

    Row i is data[offsets[first + i] :], all of ``columns`` numbers, a multiple of a vector's.
    """

    def codegen(context, builder, signature, args):
        vectors = _Vectors(context, builder, data.dtype)
        rows, x, z = (vectors.data(kind, args[i]) for kind, i in ((data, 0), (point, 3), (out, 5)))
        at = _group(vectors, vectors.data(offsets, args[1]), args[2])
        zero = ir.Constant(vectors.type, None)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in at]
        with cgutils.for_range_slice(
            builder, _word(0), args[4], _word(vectors.lanes), intp=ir.IntType(64)
        ) as (column, _):
            place = vectors.load(x, column)
            for start, sum_ in zip(at, sums, strict=True):
                row = vectors.load(rows, builder.add(start, column))
                builder.store(builder.fadd(builder.load(sum_), builder.fmul(row, place)), sum_)
        left, size = [builder.load(sum_) for sum_ in sums], 1
        while size < vectors.lanes:
            left = [
                vectors.pair_sums(one, other, size)
                for one, other in zip(left[::2], left[1::2], strict=True)
            ]
            size *= 2
        # A lane is now a row's whole sum, in the order that the pairings have left.
        order = _order(vectors.lanes)
        for number, vector in enumerate(left):
            sorted_ = vectors.shuffle(vector, vector, order)
            index = builder.add(args[6], _word(number * vectors.lanes))
            vectors.store(sorted_, z, index)
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

    def codegen(context, builder, signature, args):
        vectors = _Vectors(context, builder, data.dtype)
        rows, w, to = (
            vectors.data(kind, args[i]) for kind, i in ((data, 0), (weights, 3), (total, 6))
        )
        starts = _group(vectors, vectors.data(offsets, args[1]), args[2])
        factors = [
            vectors.filled(builder.load(builder.gep(w, [builder.add(args[4], _word(number))])))
            for number in range(GROUP)
        ]
        with cgutils.for_range_slice(
            builder, _word(0), args[5], _word(vectors.lanes), intp=ir.IntType(64)
        ) as (column, _):
            terms = [
                builder.fmul(vectors.load(rows, builder.add(start, column)), factor)
                for start, factor in zip(starts, factors, strict=True)
            ]
            terms = _tree(terms, builder.fadd)
            vectors.store(builder.fadd(vectors.load(to, column), terms), to, column)
        return context.get_dummy_value()

    arguments = (data, offsets, types.int64, weights, types.int64, types.int64, total)
    return types.void(*arguments), codegen


def _tree(terms: list[Any], add: Callable[[Any, Any], Any]) -> Any:
    while len(terms) > 1:
        terms = [add(one, other) for one, other in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0]


@intrinsic
def tree_sum(typingctx, numbers, start):
    """Return the sum of `TREE` float64 numbers, numbers[start : start + TREE], by halving."""

    def codegen(context, builder, signature, args):
        vectors = _Vectors(context, builder, numbers.dtype)
        from_ = vectors.data(numbers, args[0])
        terms = [
            vectors.load(from_, builder.add(args[1], _word(first)))
            for first in range(0, TREE, vectors.lanes)
        ]
        vector = _tree(terms, builder.fadd)
        lane = [
            builder.extract_element(vector, ir.Constant(ir.IntType(32), number))
            for number in range(vectors.lanes)
        ]
        return _tree(lane, builder.fadd)

    return numbers.dtype(numbers, types.int64), codegen


@intrinsic
def prefetch(typingctx, data, offset, columns):
    """Ask for the cache lines of data[offset : offset + columns]; it changes no result."""

    def codegen(context, builder, signature, args):
        vectors = _Vectors(context, builder, data.dtype)
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        start = builder.gep(vectors.data(data, args[0]), [args[1]])
        step = LINE // vectors.itemsize
        with cgutils.for_range_slice(
            builder, _word(0), args[2], _word(step), intp=ir.IntType(64)
        ) as (column, _):
            place = builder.bitcast(builder.gep(start, [column]), byte)
            # To read, to stay in every level of the cache, data.
            builder.call(function, [place, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(data, types.int64, types.int64), codegen
