"""Compiled code on the processor's vectors, written as Python.

A `Value` stands for a number of code that is being written, or for `width(real)` numbers side by
side in a register. Arithmetic on it writes LLVM instructions: what reads like a formula is the
code of that formula, ``for i in code.loop(n)`` has to be ``with code.loop(n) as i``, and a Python
``if`` is decided while the code is generated. numba compiles what is written as a part of the
function that calls it, an `intrinsic`. Loops written so need neither type inference, nor the
compiler's loop vectoriser, whose checks for overlap cost as much as the arithmetic, nor counts of
references.

    at = Place.of(context, builder, kind, array, W)  # turns an array's numbers into square roots
    with code.loop(code.number(len), W) as i:
        at.store(i, sqrt(at.load(i)))

Every operation is IEEE's and acts on each lane alone, so that results depend neither on the width
nor on the processor. Whole numbers have no sign, but where they become floats or a loop counts.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.np.arrayobj import make_array

BYTES = 64 if llvm.get_host_cpu_features().get("avx512f") else 32
"""Bytes of a vector register. It affects speed, not results."""

WIDTH = {np.dtype("float32"): BYTES // 4, np.dtype("float64"): BYTES // 8}
"""Numbers side by side, by the dtype of the iterates."""

BIT, INT32, INT64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
FLOAT32, FLOAT64 = ir.FloatType(), ir.DoubleType()
REAL = {"float32": FLOAT32, "float64": FLOAT64}
"""The types of the iterates, by their dtype."""


def bits_of(number: ir.Type) -> int:
    """Return how many bits a number of this type has."""
    if isinstance(number, ir.IntType):
        return number.width
    return 64 if number == FLOAT64 else 32


def width(real: ir.Type) -> int:
    """Return how many numbers a vector holds, where the iterates are of this type."""
    return BYTES * 8 // bits_of(real)


def sources(*files: str | None) -> int:
    """Return a number that changes when this file or ``files`` do, or the width of vectors.

    numba's cache on disk notices changes of the calling file alone; a number that a compiled
    function holds from its surroundings is part of its key there.
    """
    digest = hashlib.sha256(str(BYTES).encode())
    for file in (__file__, *files):
        digest.update(Path(str(file)).read_bytes())
    return int.from_bytes(digest.digest()[:7], "little") | 1


def aligned(count: int, dtype: np.dtype) -> np.ndarray:
    """Return room for ``count`` numbers from a cache line's start: a vector across two costs
    twice.
    """
    flat = np.empty(count * dtype.itemsize + 64, dtype=np.uint8)
    lead = -flat.ctypes.data % 64
    return flat[lead : lead + count * dtype.itemsize].view(dtype)


FROM_PYTHON = {"error_model": "numpy", "no_cfunc_wrapper": True}
CALL = {**FROM_PYTHON, "no_cpython_wrapper": True}
"""numba's options of a compiled function that Python calls, and of one that those call."""


class Value:
    """A number, or a vector of numbers, of code being written."""

    def __init__(self, builder: ir.IRBuilder, value: Any) -> None:
        self.builder, self.ir = builder, value

    @property
    def type(self) -> Any:
        """The type of all of it."""
        return self.ir.type

    @property
    def number(self) -> ir.Type:
        """The type of a single number of it."""
        return self.type.element if isinstance(self.type, ir.VectorType) else self.type

    @property
    def is_float(self) -> bool:
        """Whether its numbers are floats."""
        return not isinstance(self.number, ir.IntType)

    def like(self, number: "float | Value") -> "Value":
        """Return a number in every lane of a value of this type, converted to it."""
        if not isinstance(number, Value):
            return Value(self.builder, _constant(self.type, number))
        if number.type == self.type:
            return number
        number = number.to(self.number)
        if not isinstance(self.type, ir.VectorType) or number.type == self.type:
            return number
        empty = ir.Constant(self.type, ir.Undefined)
        first = self.builder.insert_element(empty, number.ir, ir.Constant(INT32, 0))
        lanes = ir.Constant(ir.VectorType(INT32, self.type.count), [0] * self.type.count)
        return Value(self.builder, self.builder.shuffle_vector(first, empty, lanes))

    def to(self, number: ir.Type) -> "Value":
        """Convert to another type of number: floats by rounding, whole numbers as signed ones.

        Raises
        ------
        TypeError
            From floats to whole numbers, which nothing here needs.
        """
        old = self.number
        if old == number:
            return self
        if self.is_float and isinstance(number, ir.IntType):
            raise TypeError(f"{old} to {number}: floats do not become whole numbers here.")
        target = ir.VectorType(number, self.type.count) if self.type != old else number
        wider = bits_of(number) > bits_of(old)
        if self.is_float:
            convert = self.builder.fpext if wider else self.builder.fptrunc
        elif isinstance(number, ir.IntType):
            convert = self.builder.zext if wider else self.builder.trunc
        else:
            convert = self.builder.sitofp
        return Value(self.builder, convert(self.ir, target))

    def read_as(self, number: ir.Type) -> "Value":
        """Read the bits as numbers of another type."""
        count = self.type.count * bits_of(self.number) // bits_of(number)
        return Value(self.builder, self.builder.bitcast(self.ir, ir.VectorType(number, count)))

    def lane(self, number: "Value") -> "Value":
        """Return the number in one lane."""
        return Value(self.builder, self.builder.extract_element(self.ir, number.ir))

    def _pair(self, other: Any) -> tuple[Any, Any]:
        if isinstance(other, Value) and isinstance(other.type, ir.VectorType):
            return other.like(self).ir, other.ir
        return self.ir, self.like(other).ir

    def _make(self, real: str, whole: str, other: Any, swap: bool = False) -> "Value":
        one, two = self._pair(other)
        if swap:
            one, two = two, one
        name = whole if isinstance(Value(self.builder, one).number, ir.IntType) else real
        if one.type != two.type or not name:
            raise TypeError(f"{one.type} and {two.type}: no {real or whole} of these.")
        return Value(self.builder, getattr(self.builder, name)(one, two))

    def __add__(self, other: Any) -> "Value":
        return self._make("fadd", "add", other)

    def __sub__(self, other: Any) -> "Value":
        return self._make("fsub", "sub", other)

    def __mul__(self, other: Any) -> "Value":
        return self._make("fmul", "mul", other)

    def __truediv__(self, other: Any) -> "Value":
        return self._make("fdiv", "", other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> "Value":
        return self._make("fsub", "sub", other, swap=True)

    def __rtruediv__(self, other: Any) -> "Value":
        return self._make("fdiv", "", other, swap=True)

    def __and__(self, other: Any) -> "Value":
        return self._make("", "and_", other)

    def __or__(self, other: Any) -> "Value":
        return self._make("", "or_", other)

    def __xor__(self, other: Any) -> "Value":
        return self._make("", "xor", other)

    def __lshift__(self, other: Any) -> "Value":
        return self._make("", "shl", other)

    def __rshift__(self, other: Any) -> "Value":
        return self._make("", "lshr", other)

    def plus_square(self, other: "Value") -> "Value":
        """Return the sum with another's square, multiplied and added at once where the processor
        can. That is the same number if the square is exact: a float32's in float64.
        """
        builder: Any = self.builder
        square = builder.fmul(other.ir, other.ir, flags=("contract",))
        return Value(builder, builder.fadd(self.ir, square, flags=("contract",)))

    def _compare(self, sign: str, other: Any) -> "Value":
        one, two = self._pair(other)
        emit = self.builder.fcmp_ordered if self.is_float else self.builder.icmp_unsigned
        return Value(self.builder, emit(sign, one, two))

    def __lt__(self, other: Any) -> "Value":
        return self._compare("<", other)

    def __le__(self, other: Any) -> "Value":
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> "Value":
        return self._compare(">", other)

    def __ge__(self, other: Any) -> "Value":
        return self._compare(">=", other)

    def equals(self, other: Any) -> "Value":
        """Return whether both are the same."""
        return self._compare("==", other)

    def __eq__(self, other: object) -> bool:
        raise TypeError("whether numbers are the same is known only when the code runs: `equals`.")

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __bool__(self) -> bool:
        raise TypeError("this number is known only when the code runs: use `Code.when`.")


def _constant(kind: Any, number: float) -> ir.Constant:
    if not isinstance(kind, ir.VectorType):
        whole = isinstance(kind, ir.IntType)
        return ir.Constant(kind, int(number) if whole else float(number))
    return ir.Constant(kind, [_constant(kind.element, number)] * kind.count)


class Place:
    """A pointer of code being written to numbers that are read ``count`` at a time."""

    def __init__(self, builder: ir.IRBuilder, pointer: Any, count: int) -> None:
        self.builder, self.ir, self.count = builder, pointer, count

    @staticmethod
    def of(context: Any, builder: ir.IRBuilder, kind: Any, array: Any, count: int) -> "Place":
        """Return the place of an array of numba's, of type ``kind``, which the caller holds."""
        return Place(builder, make_array(kind)(context, builder, array).data, count)

    @property
    def zero(self) -> Value:
        """A vector of zeros."""
        kind = ir.VectorType(self.ir.type.pointee, self.count)
        return Value(self.builder, ir.Constant(kind, None))

    def _at(self, index: Any, vector: bool) -> Any:
        where = index.ir if isinstance(index, Value) else ir.Constant(INT64, int(index))
        place = self.builder.gep(self.ir, [where])
        if not vector:
            return place
        kind = ir.VectorType(self.ir.type.pointee, self.count)
        return self.builder.bitcast(place, kind.as_pointer())

    def get(self, index: Any) -> Value:
        """Return the number at an index."""
        return Value(self.builder, self.builder.load(self._at(index, False)))

    def put(self, index: Any, value: Value) -> None:
        """Set the number at an index."""
        self.builder.store(value.ir, self._at(index, False))

    def load(self, index: Any) -> Value:
        """Return the vector from an index on."""
        bytes_each = bits_of(self.ir.type.pointee) // 8
        return Value(self.builder, self.builder.load(self._at(index, True), align=bytes_each))

    def store(self, index: Any, value: Value) -> None:
        """Put a vector to an index and after."""
        bytes_each = bits_of(self.ir.type.pointee) // 8
        self.builder.store(value.ir, self._at(index, True), align=bytes_each)

    def gather(self, index: Value) -> Value:
        """Return the numbers at each of a vector of indices."""
        value = ir.Constant(ir.VectorType(self.ir.type.pointee, index.type.count), ir.Undefined)
        for lane in range(index.type.count):
            place = ir.Constant(INT32, lane)
            number = self.builder.extract_element(index.ir, place)
            found = self.get(Value(self.builder, self.builder.zext(number, INT64)))
            value = self.builder.insert_element(value, found.ir, place)
        return Value(self.builder, value)


class Variable:
    """A value of code being written that changes as the code runs."""

    def __init__(self, builder: ir.IRBuilder, first: Value) -> None:
        self.builder = builder
        self.slot = cgutils.alloca_once(builder, first.type)
        self.set(first)

    def get(self) -> Value:
        """Return what it is."""
        return Value(self.builder, self.builder.load(self.slot))

    def set(self, value: Value) -> None:
        """Change it."""
        self.builder.store(value.ir, self.slot)


class Code:
    """Code being written, at the place where it is being written."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.builder = builder

    def number(self, value: int) -> Value:
        """Return a whole number."""
        return Value(self.builder, ir.Constant(INT64, value))

    def variable(self, first: Value) -> Variable:
        """Return a variable that starts as ``first``."""
        return Variable(self.builder, first)

    @contextmanager
    def loop(self, count: Value, step: int = 1) -> Iterator[Value]:
        """Write a loop over 0, step, ... below ``count``."""
        start, by = ir.Constant(INT64, 0), ir.Constant(INT64, step)
        with cgutils.for_range_slice(self.builder, start, count.ir, by, intp=INT64) as (index, _):
            yield Value(self.builder, index)

    @contextmanager
    def while_(self, condition: Callable[[], Value]) -> Iterator[None]:
        """Write what is done as long as a condition holds; it is asked before each turn."""
        test, body, end = (
            self.builder.append_basic_block(name) for name in ("while", "body", "done")
        )
        self.builder.branch(test)
        self.builder.position_at_end(test)
        self.builder.cbranch(condition().ir, body, end)
        self.builder.position_at_end(body)
        yield
        self.builder.branch(test)
        self.builder.position_at_end(end)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Write what is done where a condition holds."""
        with self.builder.if_then(_truth(condition)):
            yield

    def either(self, condition: Value) -> Any:
        """Write what is done where a condition holds, and what where it does not: the context of
        two contexts.
        """
        return self.builder.if_else(_truth(condition))

    def cases(self, value: Value, count: int) -> Iterator[int]:
        """Write what is done for each of ``count`` values; others do nothing."""
        blocks = [self.builder.append_basic_block("case") for _ in range(count)]
        end = self.builder.append_basic_block("end")
        switch = self.builder.switch(value.ir, end)
        for number, block in enumerate(blocks):
            switch.add_case(ir.Constant(value.type, number), block)
            self.builder.position_at_end(block)
            yield number
            self.builder.branch(end)
        self.builder.position_at_end(end)


def _truth(value: Value) -> Any:
    return value.ir if value.type == BIT else (value.like(0) < value).ir


def select(condition: Value, yes: Value, no: Value) -> Value:
    """Return, lane by lane, ``yes`` where the condition holds and ``no`` elsewhere."""
    return Value(yes.builder, yes.builder.select(condition.ir, yes.ir, no.ir))


def some(mask: Value) -> Value:
    """Return whether any lane of a mask is set."""
    whole = mask.builder.bitcast(mask.ir, ir.IntType(mask.type.count))
    return Value(mask.builder, whole) > 0


def _call(name: str, value: Value, letter: str) -> Value:
    """Call a function that LLVM has an instruction for."""
    builder, kind = value.builder, value.type
    function = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(kind, [kind]),
        f"llvm.{name}.v{kind.count}{letter}{bits_of(value.number)}",
    )
    return Value(builder, builder.call(function, [value.ir]))


def sqrt(value: Value) -> Value:
    """Return the square root."""
    return _call("sqrt", value, "f")


def size(value: Value) -> Value:
    """Return |value|."""
    return _call("fabs", value, "f")


def ones(value: Value, bits: int) -> Value:
    """Turn each field of so many bits, of 8, 16 or 32, into its number of ones."""
    return _call("ctpop", value.read_as(ir.IntType(bits)), "i").read_as(value.number)


def smaller(one: Value, two: Value) -> Value:
    """Return the smaller of two floats in each lane; of a nan and b, b."""
    return select(one < two, one, two)


def larger(one: Value, two: Value) -> Value:
    """Return the larger of two floats in each lane; of a nan and b, b."""
    return select(one > two, one, two)
