"""The vectors of compiled code: functions against arbitrary precision, operators against NumPy."""

import mpmath
import numpy as np
import pytest
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from simulators.engines.numba_cpu import elementary, vectors
from simulators.engines.numba_cpu.noise import ones_of
from simulators.engines.numba_cpu.vectors import Code, Place, Value, select, size, some, sqrt

FUNCTIONS = {
    "sin": (elementary.sin, mpmath.sin, ("float32", "float64"), (-60.0, 60.0)),
    "tanh": (elementary.tanh, mpmath.tanh, ("float32", "float64"), (-45.0, 45.0)),
    "expm1": (elementary.expm1, mpmath.expm1, ("float32", "float64"), (-80.0, 0.0)),
    "log1p": (elementary.log1p, lambda z: mpmath.log(1 + z), ("float64",), (0.0, 1e6)),
}
CASES = [(name, dtype) for name, case in FUNCTIONS.items() for dtype in case[2]]


def apply(function, source, *more, real=None):
    """The values of a function of vectors at all of an array, whose length is a whole number of
    vectors; it is also given the places of more arrays. ``real`` is the type of the iterates, if
    not that of ``source``."""
    real = real or vectors.REAL[str(source.dtype)]

    @intrinsic
    def loop(typingctx, given, target, rest):
        def codegen(context, builder, signature, args):
            code, W = Code(builder), vectors.width(real)
            one, other = (Place.of(context, builder, given, each, W) for each in args[:2])
            places = [
                Place.of(context, builder, kind, builder.extract_value(args[2], i), W)
                for i, kind in enumerate(rest)
            ]
            with code.loop(code.number(len(source)), W) as i:
                other.store(i, function(one.load(i), *places))
            return context.get_dummy_value()

        return types.void(given, target, rest), codegen

    @njit
    def run(given, target, rest):
        loop(given, target, rest)

    target = np.empty_like(source)
    run(source, target, more)
    return target


def arguments(low, high, dtype):
    rng = np.random.default_rng(5)
    spread = rng.uniform(low, high, 448)
    small = np.geomspace(1e-30, 1, 64) * np.sign(high if low == 0 else low)
    return np.concatenate([spread, small]).astype(dtype)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_an_elementary_function_is_accurate_to_a_few_units_in_the_last_place(name, dtype):
    function, exact, _, (low, high) = FUNCTIONS[name]
    x = arguments(low, high, dtype)
    measured = apply(function, x).astype(np.float64)
    with mpmath.workdps(60):
        expected = np.array([float(exact(mpmath.mpf(float(value)))) for value in x])
    unit = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64)
    if name == "sin":
        # Near its zeros sin is only as good as its argument's last place.
        unit = np.maximum(unit, np.spacing(np.abs(x)).astype(np.float64) / 2)
        unit = np.maximum(unit, 2.0**-53)
    worst = np.max(np.abs(measured - expected) / unit)
    assert worst <= 4, worst


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operators_are_numpys_number_by_number(dtype):
    x = arguments(-9.0, 9.0, dtype)

    def both(u):
        y = u * 3.0 - 0.25 / (1.0 + u * u) + sqrt(size(u))
        return select(y > 1.0, y, 1.0 - y)

    one = np.asarray(1.0, dtype)
    y = x * dtype_of(3, x) - dtype_of(0.25, x) / (one + x * x) + np.sqrt(np.abs(x))
    assert np.array_equal(apply(both, x), np.where(y > one, y, one - y))


def dtype_of(number, like):
    return np.asarray(number, like.dtype)


def test_whole_numbers_shift_compare_and_gather_without_a_sign():
    words = np.random.default_rng(1).integers(0, 2**32, 64, dtype=np.uint32)
    table = np.arange(100, 356, dtype=np.uint32)

    def code(word, place):
        return select(word >= 0x80000000, place.gather(word >> 24), word & 0xFF)

    out = apply(code, words, table, real=vectors.FLOAT32)
    expected = np.where(words >= 2**31, table[words >> 24], words & 0xFF)
    assert np.array_equal(out, expected)


def test_some_tells_whether_any_lane_is_set():
    def code(value):
        return select(some(value > 0.5), value.like(1), value.like(0))

    lanes = vectors.WIDTH[np.dtype("float32")]
    values = np.zeros((lanes + 1, lanes), dtype=np.float32)
    values[np.arange(lanes), np.arange(lanes)] = 1
    out = apply(code, values.ravel()).reshape(values.shape)
    assert np.array_equal(out, np.repeat([1.0] * lanes + [0.0], lanes).reshape(values.shape))


@pytest.mark.parametrize("bits", [2, 4, 8, 16, 32])
def test_the_ones_of_every_field_are_counted(bits):
    words = np.random.default_rng(bits).integers(0, 2**32, 64, dtype=np.uint32)
    out = apply(lambda word: ones_of(word, bits), words, real=vectors.FLOAT32)
    for word, counts in zip(words.tolist(), out.tolist(), strict=True):
        for shift in range(0, 32, bits):
            field = (word >> shift) & (2**bits - 1)
            assert (counts >> shift) & (2**bits - 1) == field.bit_count()


def test_what_cannot_be_written_is_refused():
    builder = ir.IRBuilder()
    real = Value(builder, ir.Constant(vectors.FLOAT32, 1.0))
    whole = Value(builder, ir.Constant(vectors.INT64, 1))
    for write, message in (
        (lambda: bool(real), r"Code\.when"),
        (lambda: real == whole, "equals"),
        (lambda: real.to(vectors.INT32), "floats do not become whole numbers"),
        (lambda: real & 1, "no and_ of these"),
        (lambda: whole / 2, "no fdiv of these"),
    ):
        with pytest.raises(TypeError, match=message):
            write()


def test_memory_for_vectors_starts_at_a_cache_line():
    for count in (1, 7, 1000):
        array = vectors.aligned(count, np.dtype(np.float32))
        assert array.shape == (count,)
        assert array.ctypes.data % 64 == 0


def test_the_kernels_key_changes_with_any_of_its_sources(tmp_path):
    path = tmp_path / "source.py"
    path.write_text("one = 1\n")
    before = vectors.sources(str(path))
    assert vectors.sources(str(path)) == before != 0
    path.write_text("one = 2\n")
    assert vectors.sources(str(path)) != before
