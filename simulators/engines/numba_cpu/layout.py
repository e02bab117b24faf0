"""What the numba engine's loops work on: rows of memory, switches, plans; and how code for it is
written, with a `Block` at hand, in a `routine`.
"""

from collections import namedtuple
from collections.abc import Callable
from functools import wraps
from typing import Any

from llvmlite import ir

from simulators.engines.numba_cpu.vectors import FLOAT64, INT32, INT64, Code, Place, Value, width

# A coordinate's row, in the dtype of the iterates: vectors. S is the mini-batch gradient at x.
X, M, V, V_HAT, ETA, NOISE, S = range(7)
ROW = 7

# What more a coordinate needs where the problem is rotated or workers perturb each on its own: the
# true gradient at x, the mini-batch gradient at x + delta, a worker's own gradient; a place, and
# what it is turned to. Apart, so that the rows above stay in the first-level cache.
U, G, OWN, POINT, TURNED = range(5)
SPARE_ROW = 5

# A chunk's hyper-parameters and what goes with them, in the same dtype.
(
    MINUS_GAMMA, BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, FLOOR, V_INIT, REACH, LARGEST,
) = range(9)  # fmt: skip
RUN_ROW = 9

# A chunk's sums and what they need, in float64.
RHO, GRAD, WEIGHTED, L1, L2, ACTIVE, ADAPTIVE, OBJECTIVE = range(8)
SUM_ROW = 8

# A chunk's Philox keys, in uint64.
KEY0, KEY1, REPLICATE = range(3)
KEY_ROW = 3

# Where a gradient is taken: at x, or at x + delta.
AT_X, AT_DELTA = range(2)

# A block's switches. PROBLEM is a profile's number doubled, and 1 more where noise shifts it; a
# step's heads lie in fields of 2^LOG_WIDTH bits, FIELD_MASK wide, of the ones that WORD_MASK
# leaves of a Philox word (of the second of two, where a field is two).
(
    PROBLEM, ROTATES, PERTURBS, ADAPTS, KEEPS_MAX, IS_LOCAL, WORKERS, B, LOG_WIDTH, FIELD_MASK,
    WORD_MASK, KEEPS_WORDS, MOST_STEPS,
) = range(13)  # fmt: skip
SETTINGS = 13

PROFILES = (
    "huber", "pseudo_huber", "log_cosh", "cosine", "rational", "log_rational", "two_basin",
)  # fmt: skip

# A problem's numbers, in the dtype of the iterates. ONE is 1: a constant that the compiler knows
# it would make anew in each turn of a loop, one from memory it keeps.
HEIGHT, MOVE, NOISE_SIZE, LARGEST_REACH, ONE = range(5)

# The guide to a table of the binomial law: by the first `GUIDE_BITS` of the 31 bits, how many
# thresholds lie below, and the rest of the one threshold that may lie among them.
GUIDE_BITS = 14
REST = 31 - GUIDE_BITS
NEVER, SEVERAL = 1 << REST, (1 << REST) + 1

FIELDS = (
    "rows", "spare", "words", "runs", "sums", "keys", "settings", "numbers", "inverse", "Q",
    "numbers64", "inverse64", "Q64", "heights", "x0", "guide", "thresholds", "d", "chunks",
)  # fmt: skip
"""What a block's loops work on: addresses and whole numbers. Where the rows of all coordinates of
all chunks are, their spare rows, their Philox words, the chunks' hyper-parameters, sums and keys,
the switches; the problem's numbers, 1/B and Q in the dtype of the iterates and in float64, A and
x_0; the guide to the binomial law and its thresholds, after which there is one beyond all values;
how many coordinates and chunks there are."""

_WHOLE = ("d", "chunks")
_NUMBERS = {
    "words": INT32, "sums": FLOAT64, "keys": INT64, "settings": INT64, "numbers64": FLOAT64,
    "inverse64": FLOAT64, "Q64": FLOAT64, "heights": FLOAT64, "guide": INT32, "thresholds": INT64,
}  # fmt: skip

Plan = namedtuple("Plan", "row_of run sums T schedule settings")
"""N blocks of C chunks of W lanes, an array each. ``row_of`` (N, C W) int64: each lane's row in the
results, -1 for one that only fills the block; ``run`` (N, C RUN_ROW W), ``sums`` (N, C SUM_ROW W)
float64: the chunks' rows; ``T``, ``schedule`` (N, C W) int64: each lane's number of steps and its
row among the schedules; ``settings`` (N, SETTINGS) int64."""

Room = namedtuple("Room", "rows words columns")
"""Where a block works: (C d ROW W,), (n 4 C d W,) uint32 for n workers, (C W,) int64."""

Out = namedtuple("Out", "step curves finals x heads")
"""Schedules of checkpoints (., K) int64, and where results go: running means of ||grad f||^2, plain
and weighted, and f, (3, R, K); eta's variation in both norms, the adaptive share and the largest
|gradient|, (4, R); x (R, 1 or T + 1, d), all float64; heads (R, T or 0, n, d) int32."""


class Block(Code):
    """The code of a block's loops as it is written, and what `FIELDS` tells it.

    A field is read where the function begins that uses it.
    """

    def __init__(self, builder: ir.IRBuilder, fields: Any, real: ir.Type) -> None:
        super().__init__(builder)
        self.fields, self.real, self.W = fields, real, width(real)
        self._settings: dict[int, Value] = {}

    def _field(self, name: str) -> Any:
        index = ir.Constant(INT64, FIELDS.index(name))
        return self.builder.load(self.builder.gep(self.fields, [index]))

    def _place(self, name: str) -> Place:
        with self.builder.goto_entry_block():
            number = _NUMBERS.get(name, self.real)
            pointer = self.builder.inttoptr(self._field(name), number.as_pointer())
        return Place(self.builder, pointer, self.W)

    def _whole(self, name: str) -> Value:
        with self.builder.goto_entry_block():
            return Value(self.builder, self._field(name))

    def __getattr__(self, name: str) -> Any:
        """Return a field: a `Place`, or a whole number."""
        if name not in FIELDS:
            raise AttributeError(f"{name} is no field of a block")
        field = self._whole(name) if name in _WHOLE else self._place(name)
        setattr(self, name, field)
        return field

    def setting(self, number: int) -> Value:
        """Return a switch of the block's."""
        if number not in self._settings:
            settings = self.settings
            with self.builder.goto_entry_block():
                self._settings[number] = settings.get(number)
        return self._settings[number]

    def run(self, chunk: Value, field: int) -> Value:
        """Return a chunk's hyper-parameter, or what goes with them."""
        return self.runs.load((chunk * RUN_ROW + field) * self.W)

    def set_run(self, chunk: Value, field: int, value: Value) -> None:
        """Set it."""
        self.runs.store((chunk * RUN_ROW + field) * self.W, value)

    def sum(self, chunk: Value, field: int) -> Value:
        """Return a sum of a chunk's."""
        return self.sums.load((chunk * SUM_ROW + field) * self.W)

    def set_sum(self, chunk: Value, field: int, value: Value) -> None:
        """Set it."""
        self.sums.store((chunk * SUM_ROW + field) * self.W, value)

    def of(self, coordinate: Value, field: int) -> Value:
        """Return a field of a coordinate's row; coordinates of all chunks are numbered through."""
        return self.rows.load((coordinate * ROW + field) * self.W)

    def set_of(self, coordinate: Value, field: int, value: Value) -> None:
        """Set it."""
        self.rows.store((coordinate * ROW + field) * self.W, value)

    def spare_of(self, coordinate: Value, field: int) -> Value:
        """Return a field of a coordinate's spare row."""
        return self.spare.load((coordinate * SPARE_ROW + field) * self.W)

    def set_spare_of(self, coordinate: Value, field: int, value: Value) -> None:
        """Set it."""
        self.spare.store((coordinate * SPARE_ROW + field) * self.W, value)

    @property
    def zero(self) -> Value:
        """A vector of zeros, of the iterates' type."""
        return self.rows.zero

    @property
    def zero64(self) -> Value:
        """As many zeros of float64."""
        return self.sums.zero


def routine(body: Callable[..., None]) -> Callable[..., None]:
    """Make of what writes code, given a `Block` and values, a function of the compiled code: it is
    written out once, where it is first used, and called.
    """

    @wraps(body)
    def call(k: Block, *arguments: Value | int) -> None:
        values = [k.number(each) if isinstance(each, int) else each for each in arguments]
        types = [k.fields.type, *(value.type for value in values)]
        name = ".".join(map(str, [body.__module__, body.__name__, k.real, *types]))
        function = k.builder.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(ir.VoidType(), types)
            function = ir.Function(k.builder.module, kind, name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            function.attributes.add("nounwind")
            builder = ir.IRBuilder(function.append_basic_block("entry"))
            fields, *own = function.args
            body(Block(builder, fields, k.real), *(Value(builder, each) for each in own))
            builder.ret_void()
        k.builder.call(function, [k.fields, *(value.ir for value in values)])

    return call
