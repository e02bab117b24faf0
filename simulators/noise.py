"""The noise contract: which random integers every engine uses, on every device.

A run's noise depends on (seed, cell, replicate) only: never on the grid, batch, chunk, thread,
engine or device around it.

* Generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
* Key: the first 64 bits of SHA-256 of the seed and the cell's canonical JSON, low word first.
  With ``common_noise`` the key comes from the seed alone, for paired comparisons.
* Counter: (block, coordinate, replicate, stream), stream = purpose * 2^16 + worker.
* Batches: a problem here needs of a mini-batch only its number of heads per coordinate,
  h ~ Binomial(b, 1/2), so that a step costs the same for b = 1 and b = 65536. A field of w bits
  serves a step: step t uses field t mod (128/w) of block t div (128/w), field i being bits
  [i w, (i+1) w) of the little-endian 128-bit integer whose words are the block's four outputs.
  - b <= 64: w is the power of two >= b, and h counts the ones among the field's low b bits:
    exact.
  - b > 64: w = 32. The top bit is the sign of 2h - b, the other 31 bits draw |2h - b| from a
    table of integers. The mean is exactly b/2, the variance b/4 within a relative 1e-8; the
    law's total variation distance from the binomial is below 1e-6.
* Samples: a finite sum of N draws its mini-batches with replacement. Sample i of step t's batch
  comes from the Philox block (t, i div 2, replicate, stream "samples" of the worker): words 0 and
  1 for even i, 2 and 3 for odd i. The first is the low, the second the high half of a 64-bit u,
  and the index is floor(u N/2^64): each has probability 1/N within 2^-64.
* Uniforms: a problem given by its noise draws k numbers for a sample. Number j of sample i of step
  t's batch comes from word j mod 4 of the Philox block (t, i ceil(k/4) + j div 4, replicate, stream
  "uniforms" of the worker): its upper 23 bits h make (2h + 1)/2^24, the same number in float32 and
  float64, never 0 or 1, of mean 1/2.
* Steps with a full gradient, where that is costly: a stretch of n steps from step q on has one,
  step q + floor(u n/2^64), u from words 0 and 1 of the block (q, 0, replicate, stream
  "full_gradient_steps"). `simulators.engines.strata` says which stretches.

The arithmetic is written with operators alone on 64-bit integers, so that the same lines run on
NumPy arrays and on torch tensors: products wrap modulo 2^64, which leaves the low 64 bits right.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from theory.errors import InputError

PURPOSES = {"gradient": 0, "samples": 1, "full_gradient_steps": 2, "problem": 3, "uniforms": 4}
"""What a stream of the counter's fourth word is for."""

LARGEST_B = 2**20
"""Largest batch size: beyond it the table of the binomial law takes minutes to build."""

VARIANCE_TOLERANCE = 1e-8
"""Largest relative error of the table's variance, asserted where a table is built."""

LARGEST_N = 2**31
"""Most samples of a finite sum, so that drawing an index stays within signed 64 bits."""

UNIFORM = 2.0**-24
"""What a whole number of `batch_uniforms` is to be multiplied by."""

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


def canonical_json(content: Any) -> str:
    """Return the one JSON text of ``content``: sorted keys, no spaces, shortest floats."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def cell_key(seed: int, cell: Mapping[str, Any] | None) -> tuple[int, int]:
    """Return the Philox key (low word, high word) of a cell; of the seed alone if it is None."""
    text = canonical_json([seed] if cell is None else [seed, cell])
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[0:4], "little"), int.from_bytes(digest[4:8], "little")


def stream(purpose: str, worker: int = 0) -> int:
    """Return the counter's fourth word."""
    return PURPOSES[purpose] * 2**16 + worker


def philox(counter: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10.

    Parameters
    ----------
    counter : four int64 arrays or tensors that broadcast, each word in [0, 2^32)
    key : two int64 arrays or tensors that broadcast with them, low word first

    Returns
    -------
    four int64 arrays or tensors of the broadcast shape, each word in [0, 2^32)
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for number in range(_ROUNDS):
        if number:
            k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
        low0, low1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = ((low1 >> 32) & _WORD) ^ c1 ^ k0
        c2 = ((low0 >> 32) & _WORD) ^ c3 ^ k1
        c1, c3 = low1 & _WORD, low0 & _WORD
    return c0, c1, c2, c3


def below(n: Any, low: Any, high: Any) -> Any:
    """Return floor(u n/2^64), u = low + 2^32 high: uniform on [0, n) but for at most 2^-64.

    ``n`` is at most 2^31, so that nothing leaves a signed 64-bit integer.
    """
    return (high * n + ((low * n) >> 32)) >> 32


def batch_samples(
    N: int, t: Any, replicate: Any, key: tuple[Any, Any], worker: int, pairs: Any
) -> tuple[Any, Any]:
    """Return the indices in [0, N) of the even and of the odd samples of a mini-batch.

    Parameters
    ----------
    N, worker : int
    t : int, or an array or tensor of shape (K, 1, 1) for K steps
    replicate : (R, 1) int64 array or tensor
    key : two (R, 1) int64 arrays or tensors
    pairs : (1, ceil(b/2)) int64 array or tensor
        0, 1, 2, ...

    Returns
    -------
    two (R, ceil(b/2)), or (K, R, ceil(b/2)), int64 arrays or tensors
        Where b is odd, the last of the odd ones is not used.
    """
    zero = pairs * 0
    counter = (zero + t, pairs, replicate, zero + stream("samples", worker))
    words = philox(counter, key)
    return below(N, words[0], words[1]), below(N, words[2], words[3])


def batch_uniforms(
    k: int, t: Any, replicate: Any, key: tuple[Any, Any], worker: int, samples: Any
) -> list[Any]:
    """Return the k numbers of every sample of a mini-batch, in units of `UNIFORM`.

    Parameters
    ----------
    k, worker : int
    t : int, or an array or tensor of shape (K, 1, 1) for K steps
    replicate : (R, 1) int64 array or tensor
    key : two (R, 1) int64 arrays or tensors
    samples : (1, b) int64 array or tensor
        0, 1, 2, ...

    Returns
    -------
    k int64 arrays or tensors of shape (R, b), or (K, R, b)
        Odd, between 0 and 2^24.
    """
    blocks, zero, words = -(-k // 4), samples * 0, []
    for number in range(blocks):
        block = samples * blocks + number
        counter = (zero + t, block, replicate, zero + stream("uniforms", worker))
        words += philox(counter, key)
    return [((word >> 9) << 1) | 1 for word in words[:k]]


def drawn_step(first: Any, n: Any, replicate: Any, key: tuple[Any, Any]) -> Any:
    """Return the step with a full gradient among the n steps from ``first`` on; int64 arrays."""
    zero = first * 0
    words = philox((first, zero, replicate, zero + stream("full_gradient_steps")), key)
    return first + below(n, words[0], words[1])


def field_width(b: int) -> int:
    """Return w, the number of random bits that serve one step."""
    return 32 if b > 64 else 1 << (b - 1).bit_length()


def steps_per_block(b: int) -> int:
    """Return 128/w, the number of steps that one Philox block serves."""
    return 128 // field_width(b)


def block_heads(words: tuple[Any, Any, Any, Any], b: int, search: Any) -> list[Any]:
    """Return the numbers of heads that a Philox block stands for, one for each step it serves.

    Parameters
    ----------
    words : four int64 arrays or tensors
        A block's output, as `philox` returns it.
    b : int
        Batch size.
    search : callable
        ``search(thresholds, values)``: for each value the number of thresholds <= it; NumPy's or
        torch's searchsorted, from the right.

    Returns
    -------
    128/w int64 arrays or tensors of the words' shape
    """
    if b > 64:
        return [_from_table(word, b, search) for word in words]
    w = field_width(b)
    return [
        (counts >> shift) & (_WORD if w == 64 else (1 << w) - 1)
        for counts in (
            _popcounts(words[0] | (words[1] << 32), b, w),
            _popcounts(words[2] | (words[3] << 32), b, w),
        )
        for shift in range(0, 64, w)
    ]


def _popcounts(pair: Any, b: int, w: int) -> Any:
    """Count the ones among the first b bits of each w-bit field of 64 bits, in place of it."""
    counts = pair if b == w else pair & _lanes(b, w)
    size = 1
    while size < w:
        low = _lanes(size, 2 * size)
        counts = (counts & low) + ((counts >> size) & low)
        size *= 2
    return counts


def _lanes(ones: int, w: int) -> int:
    """Return the 64-bit pattern with the low ``ones`` bits of every w-bit field set, signed."""
    pattern = sum(((1 << ones) - 1) << shift for shift in range(0, 64, w))
    return pattern - (1 << 64) if pattern >> 63 else pattern


def _from_table(field: Any, b: int, search: Any) -> Any:
    magnitude = 2 * search(magnitude_table(b), field & 0x7FFFFFFF) + b % 2
    sign = 1 - 2 * (field >> 31)
    return (b + sign * magnitude) >> 1


@cache
def magnitude_table(b: int) -> np.ndarray:
    """Return the thresholds that turn 31 random bits into |2h - b|, h ~ Binomial(b, 1/2).

    The magnitude is (b mod 2) + 2 k for the k that counts the thresholds not above the bits. The
    thresholds are the distribution function times 2^31, rounded to integers; a few are then moved
    by single units, from the tail inwards, until the variance is b: rounding alone loses the
    tail's share.

    Returns
    -------
    thresholds : (K,) int64, read-only
        Non-decreasing, below 2^31.

    Raises
    ------
    InputError
        If b exceeds `LARGEST_B`.
    """
    if b > LARGEST_B:
        raise InputError(f"b = {b} exceeds {LARGEST_B}, the largest batch size: lower b.")
    scale, parity = 1 << 31, b % 2
    # From the middle outwards, P(|2h - b| = parity + 2k) in fixed point, 320 bits: the integer
    # steps lose less than 2^-290. The middle is C(2n, n)/4^n, the product of (2i - 1)/(2i).
    one = 1 << 320
    half, probability = b // 2, one << parity
    for i in range(1, half + parity + 1):
        probability = probability * (2 * i - 1) // (2 * i)
    cumulative, thresholds = 0, []
    for k in range(math.isqrt(100 * b) // 2 + 1):  # magnitudes up to 10 standard deviations
        cumulative += probability
        thresholds.append((2 * cumulative * scale + one) // (2 * one))
        if k == 0 and not parity:
            probability *= 2
        probability = probability * (half - k) // (b - half + k + 1)
    counts = [high - low for low, high in pairwise([0, *thresholds, scale])]
    magnitudes = [parity + 2 * k for k in range(len(counts))]
    missing = b * scale - sum(m * m * n for m, n in zip(magnitudes, counts, strict=True))
    # Moving one unit from magnitude m to m + 2 adds 4 m + 4 to the sum of squares.
    for k in reversed(range(len(thresholds))):
        gain = 4 * magnitudes[k] + 4
        units = int(missing / gain)
        units = max(min(units, counts[k], 8), -min(counts[k + 1], 8))
        counts[k] -= units
        counts[k + 1] += units
        missing -= units * gain
    error = abs(missing) / (b * scale)
    if error > VARIANCE_TOLERANCE:
        raise AssertionError(f"the table for b = {b} is off by {error:.2g} in its variance")
    table = np.cumsum(np.array(counts[:-1], dtype=np.int64))
    table = table[: int(np.searchsorted(table, scale))]
    table.setflags(write=False)
    return table
