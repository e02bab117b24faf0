"""Where all lies that the numba engine's loops work on: rows of memory, switches, plans."""

from collections import namedtuple

import numpy as np

CALL = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Options of a function that is called. numba optimises it anew within each of its callers, so
that calls should not go deep."""


def _numbered(count: int) -> list[np.int64]:
    # NumPy's whole numbers: Python's own are constants of their own types, and a function called
    # with two of them would be compiled twice.
    return [np.int64(number) for number in range(count)]


# A coordinate's row, in the dtype of the iterates: vectors. S is the mini-batch gradient at x.
X, M, V, V_HAT, ETA, NOISE, S = _numbered(7)
ROW = 7

# What more a coordinate needs where the problem is rotated or workers perturb each on its own: the
# true gradient at x, the mini-batch gradient at x + delta, a worker's own gradient; a place, and
# what it is turned to. Apart, so that the rows above stay in the first-level cache.
U, G, OWN, POINT, TURNED = _numbered(5)
SPARE_ROW = 5

# A chunk's hyper-parameters and what goes with them, in the same dtype.
(
    MINUS_GAMMA, BETA1, ONE_MINUS_BETA1, BETA2, ONE_MINUS_BETA2, FLOOR, V_INIT, REACH, LARGEST,
) = _numbered(9)  # fmt: skip
RUN_ROW = 9

# A chunk's sums and what they need, in float64.
NORM2, RHO, GRAD, WEIGHTED, L1, L2, ACTIVE, ADAPTIVE, OBJECTIVE = _numbered(9)
SUM_ROW = 9

# A chunk's Philox keys, in uint64.
KEY0, KEY1, REPLICATE = _numbered(3)
KEY_ROW = 3

# Where a gradient is taken: at x, or at x + delta.
AT_X, AT_DELTA = _numbered(2)

# A block's switches.
(
    PROFILE, SHIFTS, ROTATES, PERTURBS, ADAPTS, KEEPS_MAX, IS_LOCAL, WORKERS, B, WIDTH_OF_FIELD,
    TABLE, KEEPS_WORDS, MOST_STEPS,
) = _numbered(13)  # fmt: skip
SETTINGS = 13

PROFILE_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("huber", "pseudo_huber", "log_cosh", "cosine", "rational", "log_rational", "two_basin")
    )
}

# A problem's numbers, in the dtype of the iterates.
HEIGHT, MOVE, NOISE_SIZE, LARGEST_REACH = _numbered(4)

# The guide to a table of the binomial law: by the first `GUIDE_BITS` of the 31 bits, how many
# thresholds lie below, and the rest of the one threshold that may lie among them.
GUIDE_BITS = 14
REST = 31 - GUIDE_BITS
NEVER, SEVERAL = 1 << REST, (1 << REST) + 1

Block = namedtuple(
    "Block",
    "rows spare words runs sums keys settings numbers inverse Q guide thresholds known d chunks",
)
"""What the loops work on. Pointers to the rows of all coordinates of all chunks, their spare rows,
their Philox words, the chunks' hyper-parameters, sums and keys, the switches, the problem's
numbers, 1/B and Q, the guide and the thresholds of the binomial law, of which ``known`` are the
table's; and how many coordinates and chunks there are."""

Plan = namedtuple("Plan", "row_of run sums keys T schedule settings")
"""N blocks of C chunks of W lanes, an array each. ``row_of`` (N, C W) int64: each lane's row in the
results, -1 for one that only fills the block; ``run`` (N, C RUN_ROW W), ``sums`` (N, C SUM_ROW W)
float64, ``keys`` (N, C KEY_ROW W) uint64: the chunks' rows; ``T``, ``schedule`` (N, C W) int64:
each lane's number of steps and its row among the schedules; ``settings`` (N, SETTINGS) int64."""

Problem = namedtuple("Problem", "numbers inverse Q numbers64 inverse64 Q64 heights x0")
"""`HEIGHT` and the rest, 1/B (d,), Q (d d,) or empty; the same in float64; A (d,); x_0 (d,)."""

Law = namedtuple("Law", "guides thresholds starts")
"""Tables of the binomial law: their guides (tables, 2^GUIDE_BITS) uint32, the tables themselves end
to end, where each starts (tables + 1,), both int64."""

Room = namedtuple("Room", "rows spare words columns")
"""Room for a block to work in: (C d ROW W,), (C d SPARE_ROW W,), (n C d 4 W,)
uint32 for n workers, (C W,) int64."""

Out = namedtuple("Out", "step curves finals x heads")
"""Schedules of checkpoints (., K) int64, and where results go: running means of ||grad f||^2, plain
and weighted, and f, (3, R, K); eta's variation in both norms, the adaptive share and the largest
|gradient|, (4, R); x (R, 1 or T + 1, d), all float64; heads (R, T or 0, n, d) int32."""
