"""The noise contract in the numba engine's loops: Philox, counts of heads, the binomial law."""

# numba gives these functions their types; the checker sees only their Python.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOperatorIssue=false, reportAssignmentType=false, reportIndexIssue=false

import numpy as np
from numba import njit

from simulators.engines.lane_layout import (
    CALL,
    KEY0,
    KEY1,
    KEY_ROW,
    NOISE,
    NOISE_SIZE,
    REPLICATE,
    REST,
    ROW,
    SEVERAL,
    WIDTH_OF_FIELD,
    B,
)
from simulators.engines.vectors import (
    INLINE,
    element,
    gather,
    get,
    like,
    load,
    ones_in_8,
    ones_in_16,
    ones_in_32,
    put,
    rounded_like,
    some,
    store,
    to_int32,
    to_uint32,
    where,
    width,
)

_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_MULTIPLIER0, _MULTIPLIER1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL0, _WEYL1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


@njit(**INLINE)
def _round(state):
    """One round of Philox: the counter's four words and the key's two."""
    c0, c1, c2, c3, k0, k1 = state
    p0, p1 = (c0 & _LOW) * _MULTIPLIER0, (c2 & _LOW) * _MULTIPLIER1
    return (p1 >> _32) ^ c1 ^ k0, p1, (p0 >> _32) ^ c3 ^ k1, p0, k0 + _WEYL0, k1 + _WEYL1


@njit(**CALL)
def philox(k, number, worker, place):
    """Draw Philox block ``number`` of a worker for every lane and coordinate; its words' place."""
    W = width(k.rows)
    w = place * k.chunks * k.d * 4 * W
    for c in range(k.chunks):
        key = c * KEY_ROW * W
        key0, key1 = load(k.keys, key + KEY0 * W), load(k.keys, key + KEY1 * W)
        replicate = load(k.keys, key + REPLICATE * W)
        for j in range(k.d):
            # 64 bits throughout: products read the low halves alone.
            first, last = like(key0, np.uint64(number)), like(key0, np.uint64(worker))
            state = first, like(key0, np.uint64(j)), replicate, last, key0, key1
            # Ten rounds, written out: in a loop, coordinates would wait for each other.
            state = _round(_round(_round(_round(_round(state)))))
            c0, c1, c2, c3, _, _ = _round(_round(_round(_round(_round(state)))))
            store(k.words, w, to_uint32(c0))
            store(k.words, w + W, to_uint32(c1))
            store(k.words, w + 2 * W, to_uint32(c2))
            store(k.words, w + 3 * W, to_uint32(c3))
            w += 4 * W


@njit(**INLINE)
def _ones(word, bits):
    """Turn each field of ``bits`` bits, at most 32, into its number of ones."""
    if bits == 32:
        return ones_in_32(word)
    if bits == 16:
        return ones_in_16(word)
    if bits == 8:
        return ones_in_8(word)
    word = (word & np.uint32(0x55555555)) + ((word >> np.uint32(1)) & np.uint32(0x55555555))
    if bits == 4:
        word = (word & np.uint32(0x33333333)) + ((word >> np.uint32(2)) & np.uint32(0x33333333))
    return word


@njit(**CALL)
def count_heads(k, place, b, bits):
    """Turn each field of ``bits`` bits of the words into its number of ones, the first b alone."""
    W = width(k.rows)
    w = place * k.chunks * k.d * 4 * W
    if bits < 64:
        mask = np.uint32(((1 << b) - 1) * (0xFFFFFFFF // ((1 << bits) - 1)))
        for _ in range(k.chunks * k.d * 4):
            store(k.words, w, _ones(load(k.words, w) & mask, bits))
            w += W
        return
    # A field of 64 bits is two words; its number goes into the first two words, in turn.
    mask = np.uint32((1 << (b - 32)) - 1)
    for _ in range(k.chunks * k.d):
        for half in range(2):
            low, high = load(k.words, w + 2 * half * W), load(k.words, w + (2 * half + 1) * W)
            store(k.words, w + half * W, ones_in_32(low) + ones_in_32(high & mask))
        w += 4 * W


@njit(**CALL)
def look_up_heads(k, place, b):
    """Turn each word into its number of heads by the table of the binomial law."""
    W = width(k.rows)
    first = place * k.chunks * k.d * 4 * W
    # |2h - b| is b % 2 + 2 pairs.
    most, fewest = np.uint32((b + b % 2) // 2), np.uint32((b - b % 2) // 2)
    for n in range(k.chunks * k.d * 4):
        w = first + n * W
        word = load(k.words, w)
        bits = word & np.uint32(0x7FFFFFFF)
        entry = gather(k.guide, bits >> np.uint32(REST))
        rest = entry & np.uint32((1 << (REST + 1)) - 1)
        above = (bits & np.uint32((1 << REST) - 1)) >= rest
        pairs = (entry >> np.uint32(REST + 1)) + where(above, like(word, 1), like(word, 0))
        store(k.words, w, where(word >= np.uint32(0x80000000), fewest - pairs, most + pairs))
        if some(rest == np.uint32(SEVERAL)):
            for lane in range(W):
                if element(rest, lane) == SEVERAL:
                    value = np.int64(element(bits, lane))
                    low, high = 0, k.known
                    while low < high:
                        middle = (low + high) // 2
                        if get(k.thresholds, middle) <= value:
                            low = middle + 1
                        else:
                            high = middle
                    heads = fewest - low if element(word, lane) >> 31 else most + low
                    put(k.words, w + lane, heads)


@njit(**INLINE)
def field_at(bits, number):
    """Return the word, the shift and the mask of a field of so many bits."""
    if bits == 64:
        return number, np.uint32(0), np.uint32(0xFFFFFFFF)
    return number * bits // 32, np.uint32(number * bits % 32), np.uint32((1 << bits) - 1)


@njit(**INLINE)
def law_of(k, t, together):
    """Return where the heads of step t lie in the words, and the noise of a head; ``together``
    workers' mean.
    """
    b, bits = get(k.settings, B), get(k.settings, WIDTH_OF_FIELD)
    part, shift, mask = field_at(bits, t % (128 // bits))
    scale = np.float64(get(k.numbers, NOISE_SIZE)) / np.float64(b * together)
    return part * width(k.rows), shift, mask, b, scale


@njit(**INLINE)
def noise_of(word, law, model):
    """Return the noise that the heads in a word stand for, of the type of ``model``."""
    _, shift, mask, b, scale = law
    return rounded_like(to_int32((word >> shift) & mask) * 2 - b, model) * scale


@njit(**CALL)
def draw_noise(k, t, place, together, adds):
    """Put the noise of step t into NOISE, or add it there; ``together`` workers' mean."""
    W = width(k.rows)
    law = law_of(k, t, together)
    w = place * k.chunks * k.d * 4 * W + law[0]
    for n in range(k.chunks * k.d):
        at = (n * ROW + NOISE) * W
        old = load(k.rows, at)
        noise = noise_of(load(k.words, w + n * 4 * W), law, old)
        store(k.rows, at, old + noise if adds else noise)
