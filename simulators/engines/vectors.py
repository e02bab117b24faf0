"""Vectors of the processor as numbers of compiled code.

Inside functions compiled by numba a `Vector` holds `WIDTH[dtype]` numbers side by side in a
register; arithmetic on it, or with a plain number, acts on each. `load` and `store` take a
pointer, as `pointer` makes it of an array, and an index. Loops written with these need neither the
compiler's loop vectoriser, whose checks for overlap cost as much as the arithmetic, nor counts of
references. The array behind a pointer must be kept alive by the caller.

Every operation is IEEE's and acts on each lane alone, so that results depend neither on the width
nor on the processor.
"""

# numba gives these functions their types; the checker sees only their Python.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportAssignmentType=false, reportIndexIssue=false

import hashlib
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import (
    intrinsic,
    lower_builtin,
    models,
    register_model,
    type_callable,
)
from numba.np.arrayobj import make_array

INLINE = {
    "error_model": "numpy",
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Options of a function that is part of every loop that calls it."""

BYTES = 64 if llvm.get_host_cpu_features().get("avx512f") else 32
"""Of a vector register, as far as speed goes: any width works."""

WIDTH = {np.dtype("float32"): BYTES // 4, np.dtype("float64"): BYTES // 8}
"""Numbers side by side, by the dtype of the iterates."""


def sources(*files: str) -> int:
    """Return a number that changes when this file or ``files`` do.

    numba's cache on disk notices changes of the calling file alone; a number that a compiled
    function holds from its surroundings is part of its key there.
    """
    digest = hashlib.sha256()
    for file in (__file__, *files):
        digest.update(Path(file).read_bytes())
    return int.from_bytes(digest.digest()[:7], "little") | 1


def aligned(count: int, dtype: np.dtype) -> np.ndarray:
    """Return room for ``count`` numbers from a cache line's start: a vector across two costs
    twice.
    """
    flat = np.empty(count * dtype.itemsize + 64, dtype=np.uint8)
    lead = -flat.ctypes.data % 64
    return flat[lead : lead + count * dtype.itemsize].view(dtype)


class Vector(types.Type):
    """The type of ``count`` numbers of one type side by side."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Vector({dtype}, {count})")


class Place(types.Type):
    """The type of a pointer to numbers that are read ``count`` at a time."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Place({dtype}, {count})")


@register_model(Place)
class _PlaceModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Place) -> None:
        super().__init__(manager, kind, _number(kind.dtype).as_pointer())


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, _register(kind))


def _number(dtype: Any) -> ir.Type:
    if isinstance(dtype, types.Float):
        return ir.DoubleType() if dtype.bitwidth == 64 else ir.FloatType()
    return ir.IntType(1 if dtype == types.boolean else dtype.bitwidth)


def _register(kind: Vector) -> ir.VectorType:
    return ir.VectorType(_number(kind.dtype), kind.count)


def _spread(builder: Any, value: Any, count: int) -> Any:
    """Put one number into every lane."""
    whole = ir.VectorType(value.type, count)
    first = builder.insert_element(ir.Constant(whole, ir.Undefined), value, _index(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    return builder.shuffle_vector(first, ir.Constant(whole, ir.Undefined), lanes)


def _index(number: int) -> ir.Constant:
    return ir.Constant(ir.IntType(32), number)


def _operands(context: Any, builder: Any, kind: Vector, given: Any, args: Any) -> list[Any]:
    """Return both operands as vectors of this type; a plain number becomes one."""
    return [
        value
        if isinstance(own, Vector)
        else _spread(builder, context.cast(builder, value, own, kind.dtype), kind.count)
        for own, value in zip(given, args, strict=True)
    ]


def _operation(function: Callable[..., Any], emit: Callable[..., Any], mask: bool = False) -> None:
    """Give an operator of Python its meaning on vectors.

    ``emit(builder, dtype, left, right)`` returns its value; of type bool where ``mask``.
    """

    @type_callable(function)
    def typing(_: Any) -> Any:
        def typer(a: Any, b: Any) -> Vector | None:
            if isinstance(a, Vector) and isinstance(b, Vector):
                kind = a if a == b else None
            elif isinstance(b, Vector):
                kind = b if isinstance(a, types.Number) else None
            else:
                kind = a if isinstance(a, Vector) and isinstance(b, types.Number) else None
            return kind if kind is None or not mask else Vector(types.boolean, kind.count)

        return typer

    for given in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):

        @lower_builtin(function, *given)
        def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = next(own for own in signature.args if isinstance(own, Vector))
            left, right = _operands(context, builder, kind, signature.args, args)
            return emit(builder, kind.dtype, left, right)


def _arithmetic(real: str, whole: str) -> Callable[..., Any]:
    def emit(builder: Any, dtype: Any, left: Any, right: Any) -> Any:
        return getattr(builder, real if isinstance(dtype, types.Float) else whole)(left, right)

    return emit


def _comparison(sign: str) -> Callable[..., Any]:
    def emit(builder: Any, dtype: Any, left: Any, right: Any) -> Any:
        if isinstance(dtype, types.Float):
            return builder.fcmp_ordered(sign, left, right)
        compare = builder.icmp_signed if dtype.signed else builder.icmp_unsigned
        return compare(sign, left, right)

    return emit


def _shift_right(builder: Any, dtype: Any, left: Any, right: Any) -> Any:
    return (builder.ashr if dtype.signed else builder.lshr)(left, right)


_operation(operator.add, _arithmetic("fadd", "add"))
_operation(operator.sub, _arithmetic("fsub", "sub"))
_operation(operator.mul, _arithmetic("fmul", "mul"))
_operation(operator.truediv, _arithmetic("fdiv", ""))
_operation(operator.and_, lambda builder, _, left, right: builder.and_(left, right))
_operation(operator.or_, lambda builder, _, left, right: builder.or_(left, right))
_operation(operator.xor, lambda builder, _, left, right: builder.xor(left, right))
_operation(operator.lshift, lambda builder, _, left, right: builder.shl(left, right))
_operation(operator.rshift, _shift_right)
for _function, _sign in (
    (operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">="),
    (operator.eq, "=="), (operator.ne, "!="),
):  # fmt: skip
    _operation(_function, _comparison(_sign), mask=True)


@intrinsic
def pointer(typingctx, array, iterates):
    """Return a pointer to an array's first number, for vectors as wide as those of ``iterates``,
    another array; the caller keeps the array alive.
    """
    count = WIDTH[np.dtype(str(iterates.dtype))]

    def codegen(context, builder, signature, args):
        return make_array(array)(context, builder, args[0]).data

    return Place(array.dtype, count)(array, iterates), codegen


@intrinsic
def shifted(typingctx, place, count):
    """Return the pointer ``count`` numbers on."""

    def codegen(context, builder, signature, args):
        return builder.gep(args[0], [args[1]])

    return place(place, count), codegen


@intrinsic
def width(typingctx, place):
    """Return how many numbers a vector of this pointer holds."""

    def codegen(context, builder, signature, args):
        return ir.Constant(ir.IntType(64), place.count)

    return types.int64(place), codegen


@intrinsic
def get(typingctx, place, index):
    """Return the number at ``place[index]``."""

    def codegen(context, builder, signature, args):
        return builder.load(builder.gep(args[0], [args[1]]))

    return place.dtype(place, index), codegen


@intrinsic
def put(typingctx, place, index, value):
    """Set ``place[index] = value``."""

    def codegen(context, builder, signature, args):
        number = context.cast(builder, args[2], value, place.dtype)
        builder.store(number, builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(place, index, value), codegen


@intrinsic
def load(typingctx, place, index):
    """Return the vector from ``place[index]`` on."""
    kind = Vector(place.dtype, place.count)

    def codegen(context, builder, signature, args):
        address = builder.bitcast(builder.gep(args[0], [args[1]]), _register(kind).as_pointer())
        return builder.load(address, align=place.dtype.bitwidth // 8)

    return kind(place, index), codegen


@intrinsic
def store(typingctx, place, index, value):
    """Put the vector ``value`` to ``place[index]`` and after."""

    def codegen(context, builder, signature, args):
        address = builder.bitcast(builder.gep(args[0], [args[1]]), args[2].type.as_pointer())
        builder.store(args[2], address, align=place.dtype.bitwidth // 8)
        return context.get_dummy_value()

    if place.dtype != value.dtype:
        return None
    return types.void(place, index, value), codegen


@intrinsic
def gather(typingctx, place, index):
    """Return the numbers at ``place[index]``, ``index`` a vector."""
    kind = Vector(place.dtype, index.count)

    def codegen(context, builder, signature, args):
        value = ir.Constant(_register(kind), ir.Undefined)
        for lane in range(kind.count):
            number = builder.zext(builder.extract_element(args[1], _index(lane)), ir.IntType(64))
            found = builder.load(builder.gep(args[0], [number]))
            value = builder.insert_element(value, found, _index(lane))
        return value

    return kind(place, index), codegen


@intrinsic
def element(typingctx, value, lane):
    """Return the number in one lane."""

    def codegen(context, builder, signature, args):
        return builder.extract_element(args[0], args[1])

    return value.dtype(value, lane), codegen


@intrinsic
def like(typingctx, value, number):
    """Return ``number`` in every lane of a vector of the type of ``value``."""

    def codegen(context, builder, signature, args):
        one = context.cast(builder, args[1], number, value.dtype)
        return _spread(builder, one, value.count)

    return value(value, number), codegen


def _conversion(target: types.Type) -> Any:
    @intrinsic
    def convert(typingctx, value):
        kind = Vector(target, value.count)

        def codegen(context, builder, signature, args):
            source, register = value.dtype, _register(kind)
            if isinstance(source, types.Float) and isinstance(target, types.Float):
                if source == target:
                    return args[0]
                wider = target.bitwidth > source.bitwidth
                return (builder.fpext if wider else builder.fptrunc)(args[0], register)
            if isinstance(target, types.Float):
                signed = source != types.boolean and source.signed
                return (builder.sitofp if signed else builder.uitofp)(args[0], register)
            if source.bitwidth == target.bitwidth:
                return args[0]
            if source.bitwidth > target.bitwidth:
                return builder.trunc(args[0], register)
            return (builder.sext if source.signed else builder.zext)(args[0], register)

        return kind(value), codegen

    return convert


to_float32 = _conversion(types.float32)
to_float64 = _conversion(types.float64)
to_int32 = _conversion(types.int32)
to_uint32 = _conversion(types.uint32)
to_uint64 = _conversion(types.uint64)


@intrinsic
def rounded_like(typingctx, value, model):
    """Convert to the type of ``model``: floats by rounding, signed whole numbers too."""
    kind = Vector(model.dtype, value.count)

    def codegen(context, builder, signature, args):
        register = _register(kind)
        if not isinstance(value.dtype, types.Float):
            return builder.sitofp(args[0], register)
        if value.dtype == model.dtype:
            return args[0]
        wider = model.dtype.bitwidth > value.dtype.bitwidth
        return (builder.fpext if wider else builder.fptrunc)(args[0], register)

    return kind(value, model), codegen


@intrinsic
def bits(typingctx, value):
    """Read floats as signed whole numbers of their size."""
    kind = Vector(types.int64 if value.dtype.bitwidth == 64 else types.int32, value.count)

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], _register(kind))

    return kind(value), codegen


@intrinsic
def from_bits(typingctx, value):
    """Read whole numbers as floats of their size."""
    kind = Vector(types.float64 if value.dtype.bitwidth == 64 else types.float32, value.count)

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], _register(kind))

    return kind(value), codegen


@intrinsic
def where(typingctx, mask, yes, no):
    """Return, lane by lane, ``yes`` where the mask is set and ``no`` elsewhere."""
    kind = yes if isinstance(yes, Vector) else no

    def codegen(context, builder, signature, args):
        both = _operands(context, builder, kind, (yes, no), args[1:])
        return builder.select(args[0], *both)

    return kind(mask, yes, no), codegen


@intrinsic
def some(typingctx, mask):
    """Return whether any lane of a mask is set."""

    def codegen(context, builder, signature, args):
        whole = builder.bitcast(args[0], ir.IntType(mask.count))
        return builder.icmp_unsigned("!=", whole, ir.Constant(whole.type, 0))

    return types.boolean(mask), codegen


def _function(name: str) -> Any:
    """Return an operation on floats that LLVM has an instruction for."""

    @intrinsic
    def call(typingctx, value):
        def codegen(context, builder, signature, args):
            register = _register(value)
            function = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(register, [register]),
                f"llvm.{name}.v{value.count}f{value.dtype.bitwidth}",
            )
            return builder.call(function, args)

        return value(value), codegen

    return call


def _ones(bits: int) -> Any:
    @intrinsic
    def ones(typingctx, value):
        count = value.count * value.dtype.bitwidth // bits
        register = ir.VectorType(ir.IntType(bits), count)

        def codegen(context, builder, signature, args):
            function = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(register, [register]),
                f"llvm.ctpop.v{count}i{bits}",
            )
            counts = builder.call(function, [builder.bitcast(args[0], register)])
            return builder.bitcast(counts, args[0].type)

        return value(value), codegen

    return ones


ones_in_8, ones_in_16, ones_in_32 = _ones(8), _ones(16), _ones(32)
"""Turn each field of so many bits into its number of ones."""

sqrt = _function("sqrt")
size = _function("fabs")


def _extreme(sign: str) -> Any:
    @intrinsic
    def choose(typingctx, a, b):
        def codegen(context, builder, signature, args):
            return builder.select(builder.fcmp_ordered(sign, *args), *args)

        return (a(a, b), codegen) if a == b else None

    return choose


smaller, larger = _extreme("<"), _extreme(">")
"""The smaller, or the larger, of two floats in each lane; of a nan and b, b."""
