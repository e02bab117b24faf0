"""The noise contract in the numba engine's loops: Philox, counts of heads, the binomial law."""

from simulators.engines.numba_cpu.layout import (
    FIELD_MASK,
    KEY0,
    KEY1,
    KEY_ROW,
    LOG_WIDTH,
    NOISE,
    NOISE_SIZE,
    REPLICATE,
    REST,
    SEVERAL,
    WORD_MASK,
    B,
    Block,
    routine,
)
from simulators.engines.numba_cpu.vectors import FLOAT64, INT32, INT64, Value, ones, select, some

_LOW = 0xFFFFFFFF
_MULTIPLIER0, _MULTIPLIER1 = 0xD2511F53, 0xCD9E8D57
_WEYL0, _WEYL1 = 0x9E3779B9, 0xBB67AE85


@routine
def philox(k: Block, number: Value, worker: Value, place: Value) -> None:
    """Draw Philox block ``number`` of a worker for every lane and coordinate.

    A block's four words go to as many parts of the words at ``place``, so that a step's lie
    together.
    """
    part = k.chunks * k.d * k.W
    first = place * part * 4
    with k.loop(k.chunks) as c:
        key0, key1, replicate = (
            k.keys.load((c * KEY_ROW + field) * k.W) for field in (KEY0, KEY1, REPLICATE)
        )
        with k.loop(k.d) as j:
            # 64 bits throughout: products read the low halves alone.
            c0, c1, c2, c3 = (key0.like(number), key0.like(j), replicate, key0.like(worker))
            k0, k1 = key0, key1
            # Ten rounds, written out: in a loop, coordinates would wait for each other.
            for _ in range(10):
                p0, p1 = (c0 & _LOW) * _MULTIPLIER0, (c2 & _LOW) * _MULTIPLIER1
                c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1, (p0 >> 32) ^ c3 ^ k1, p0
                k0, k1 = k0 + _WEYL0, k1 + _WEYL1
            at = first + (c * k.d + j) * k.W
            for word in (c0, c1, c2, c3):
                k.words.store(at, word.to(INT32))
                at = at + part


def ones_of(word: Value, bits: int) -> Value:
    """Turn each field of ``bits`` bits, 2 to 32, into its number of ones."""
    if bits >= 8:
        return ones(word, bits)
    word = (word & 0x55555555) + ((word >> 1) & 0x55555555)
    if bits == 4:
        word = (word & 0x33333333) + ((word >> 2) & 0x33333333)
    return word


@routine
def count_heads(k: Block, place: Value) -> None:
    """Turn each field of the words into its number of ones among the first b; a field of two words
    into that of both, in the first.
    """
    part = k.chunks * k.d * k.W
    first = place * part * 4
    mask = k.setting(WORD_MASK)
    for log in k.cases(k.setting(LOG_WIDTH), 7):
        if log < 6:
            with k.loop(part * 4, k.W) as n:
                word = k.words.load(first + n)
                k.words.store(first + n, ones_of(word & mask, max(2, 1 << log)))
        else:
            with k.loop(part, k.W) as n:
                for half in range(2):
                    at = first + part * (2 * half) + n
                    low, high = k.words.load(at), k.words.load(at + part)
                    k.words.store(at, ones_of(low, 32) + ones_of(high & mask, 32))


@routine
def look_up_heads(k: Block, place: Value) -> None:
    """Turn each word into its number of heads by the table of the binomial law."""
    part, b = k.chunks * k.d * k.W, k.setting(B)
    # |2h - b| is b % 2 + 2 pairs.
    most, fewest = ((b + (b & 1)) >> 1).to(INT32), ((b - (b & 1)) >> 1).to(INT32)
    first = place * part * 4
    with k.loop(part * 4, k.W) as n:
        word = k.words.load(first + n)
        bits = word & 0x7FFFFFFF
        entry = k.guide.gather(bits >> REST)
        rest = entry & ((1 << (REST + 1)) - 1)
        above = (bits & ((1 << REST) - 1)) >= rest
        pairs = (entry >> (REST + 1)) + select(above, word.like(1), word.like(0))
        heads = select(word >= 0x80000000, word.like(fewest) - pairs, word.like(most) + pairs)
        k.words.store(first + n, heads)
        several = rest.equals(SEVERAL)
        with k.when(some(several)), k.loop(k.number(k.W)) as lane, k.when(several.lane(lane)):
            below = (entry >> (REST + 1)).lane(lane).to(INT64)
            low = _thresholds_up_to(k, bits.lane(lane).to(INT64), below).to(INT32)
            negative = word.lane(lane) >= 0x80000000
            k.words.put(first + n + lane, select(negative, fewest - low, most + low))


def _thresholds_up_to(k: Block, value: Value, below: Value) -> Value:
    """Return how many thresholds there are up to a value, no fewer than ``below``. The last one is
    beyond all values; on average there are few to look at.
    """
    count = k.variable(below)
    with k.while_(lambda: k.thresholds.get(count.get()) <= value):
        count.set(count.get() + 1)
    return count.get()


@routine
def draw_noise(k: Block, t: Value, place: Value, together: Value, adds: Value) -> None:
    """Put the noise of step t's heads into NOISE, or add it there; ``together`` workers' mean."""
    part, log, b = k.chunks * k.d * k.W, k.setting(LOG_WIDTH), k.setting(B)
    field = (t & ((k.number(128) >> log) - 1)) << log
    first = (place * 4 + (field >> 5)) * part
    scale = k.numbers.get(NOISE_SIZE).to(FLOAT64) / (b * together).to(FLOAT64)
    with k.loop(k.chunks * k.d) as n:
        heads = (k.words.load(first + n * k.W) >> (field & 31)) & k.setting(FIELD_MASK)
        noise = (heads * 2 - b).to(k.real) * scale
        with k.either(adds) as (yes, no):
            with yes:
                k.set_of(n, NOISE, k.of(n, NOISE) + noise)
            with no:
                k.set_of(n, NOISE, noise)
