"""The noise contract, against arithmetic on Python's own integers."""

import hashlib
import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulators import SeparableProblem, noise, simulate
from theory import InputError

word = st.integers(0, 2**32 - 1)


def plain_philox(counter, key):
    """Philox4x32-10 as its paper has it."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 % 2**32, (p0 >> 32) ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def plain_heads(words, b):
    """The module's docstring, word for word: heads of every step a block serves, b <= 64."""
    whole = sum(w << (32 * i) for i, w in enumerate(words))
    width = next(2**k for k in range(7) if 2**k >= b)
    fields = [(whole >> (i * width)) % 2**width for i in range(128 // width)]
    return [(field % 2**b).bit_count() for field in fields]


def search_numpy(thresholds, values):
    return np.searchsorted(thresholds, values, side="right")


def search_torch(thresholds, values):
    return torch.searchsorted(torch.tensor(thresholds), values, right=True)


def arrays(numbers):
    return tuple(np.array([number], dtype=np.int64) for number in numbers)


def tensors(numbers):
    return tuple(torch.tensor([number]) for number in numbers)


KNOWN_ANSWERS = [  # counter, key, output: Random123's kat_vectors
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN_ANSWERS)
def test_philox_gives_random123s_known_answers(counter, key, output):
    counter, key, output = ([int(w, 16) for w in text.split()] for text in (counter, key, output))
    assert list(plain_philox(counter, key)) == output
    for library in (arrays, tensors):
        assert [w.item() for w in noise.philox(library(counter), library(key))] == output


@given(st.tuples(word, word, word, word), st.tuples(word, word))
def test_philox_is_the_same_integers_in_numpy_torch_and_python(counter, key):
    expected = list(plain_philox(counter, key))
    for library in (arrays, tensors):
        assert [w.item() for w in noise.philox(library(counter), library(key))] == expected


def test_philox_broadcasts_counters_against_keys():
    block, coordinate = np.arange(3)[:, None], np.arange(5)[None, :]
    zero = np.zeros((1, 1), dtype=np.int64)
    out = noise.philox((block, coordinate, zero, zero), (np.full((1, 1), 7), zero + 9))
    assert all(w.shape == (3, 5) for w in out)
    for i, j in np.ndindex(3, 5):
        assert [int(w[i, j]) for w in out] == list(plain_philox((i, j, 0, 0), (7, 9)))


@pytest.mark.parametrize("b", range(1, 65))
def test_heads_are_the_ones_in_the_low_bits_of_each_field(b):
    rng = np.random.default_rng(b)
    words = rng.integers(0, 2**32, size=(4, 20), dtype=np.int64)
    words[:, 0], words[:, 1] = 0, 2**32 - 1
    expected = np.array([plain_heads([int(w) for w in column], b) for column in words.T]).T
    in_numpy = noise.block_heads(tuple(words), b, search_numpy)
    in_torch = noise.block_heads(tuple(torch.tensor(words)), b, search_torch)
    assert len(in_numpy) == len(in_torch) == noise.steps_per_block(b) == len(expected)
    assert np.array_equal(np.stack(in_numpy), expected)
    assert np.array_equal(torch.stack(in_torch).numpy(), expected)


@pytest.mark.parametrize(
    ("b", "width"),
    [
        (1, 1),
        (2, 2),
        (3, 4),
        (4, 4),
        (5, 8),
        (8, 8),
        (9, 16),
        (17, 32),
        (33, 64),
        (64, 64),
        (65, 32),
    ],
)
def test_a_step_is_served_by_the_least_power_of_two_of_bits(b, width):
    assert noise.field_width(b) == width
    assert noise.steps_per_block(b) * width == 128


TABLED = [*range(65, 140), *range(140, 4097, 61), 4096, 65535, 65536]


def masses(b):
    """How many of the 2^31 values of a field's low bits give each magnitude |2h - b|."""
    edges = [0, *(int(t) for t in noise.magnitude_table(b)), 2**31]
    return {b % 2 + 2 * k: high - low for k, (low, high) in enumerate(pairwise(edges))}


@pytest.mark.parametrize("b", TABLED)
def test_a_tables_variance_is_the_binomials_within_1e_8(b):
    second = sum(magnitude**2 * mass for magnitude, mass in masses(b).items())
    assert abs(Fraction(second, 2**31 * b) - 1) <= Fraction(1, 10**8)


@pytest.mark.parametrize("b", TABLED)
def test_a_table_counts_up_within_its_range_and_is_read_only(b):
    table = noise.magnitude_table(b)
    assert all(mass >= 0 for mass in masses(b).values())
    assert table[0] >= 0
    assert table[-1] < 2**31
    assert max(masses(b)) <= b
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


@pytest.mark.parametrize("b", [65, 66, 67, 99, 100, 128, 257, 500, 999, 1000])
def test_a_tables_law_is_within_1e_6_of_the_binomial_in_total_variation(b):
    exact = dict.fromkeys(range(b % 2, b + 1, 2), 0)
    for h in range(b + 1):
        exact[abs(2 * h - b)] += math.comb(b, h)
    mass = masses(b)
    assert sum(mass.values()) == 2**31
    distance = sum(
        abs(Fraction(mass.get(m, 0), 2**31) - Fraction(count, 2**b)) for m, count in exact.items()
    )
    assert distance / 2 < Fraction(1, 10**6)


@pytest.mark.parametrize("b", [65, 66, 100, 1001, 65536])
def test_above_64_a_word_gives_sign_and_magnitude(b):
    rng = np.random.default_rng(b)
    table = [int(t) for t in noise.magnitude_table(b)]
    low = [0, 2**31 - 1, *table[:3], *(t - 1 for t in table[:3] if t), *rng.integers(2**31, size=9)]
    for top in (0, 1):
        field = np.array(low, dtype=np.int64) + (top << 31)
        words = (field, field[::-1].copy(), field, field)
        heads = noise.block_heads(words, b, search_numpy)
        in_torch = noise.block_heads(tuple(map(torch.tensor, words)), b, search_torch)
        for i, drawn in enumerate(heads):
            assert np.array_equal(drawn, in_torch[i].numpy())
        for number, drawn in zip(low, heads[0], strict=True):
            magnitude = b % 2 + 2 * sum(t <= number for t in table)
            assert 2 * drawn - b == (-magnitude if top else magnitude)
        assert np.array_equal(heads[1], heads[0][::-1])


@pytest.mark.parametrize("b", [65, 66, 99, 100, 101, 4096, 65536])
def test_above_64_flipping_the_sign_bit_mirrors_heads_so_that_their_mean_is_b_over_2(b):
    low = np.random.default_rng(b).integers(0, 2**31, size=1000)
    low[:2] = 0, 2**31 - 1
    plus, minus = (
        noise.block_heads((low + (top << 31),) * 4, b, search_numpy)[0] for top in (0, 1)
    )
    assert np.array_equal(plus + minus, np.full(1000, b))
    assert plus.min() >= b / 2
    assert plus.max() <= b


def test_a_batch_beyond_the_largest_table_is_refused():
    with pytest.raises(InputError, match=f"b = {2**20 + 1} exceeds {2**20}"):
        noise.magnitude_table(2**20 + 1)


def test_a_key_is_the_head_of_sha256_low_word_first():
    digest = hashlib.sha256(b'[7,{"T":3,"eps":0.5}]').hexdigest()
    low, high = (int.from_bytes(bytes.fromhex(digest[i : i + 8]), "little") for i in (0, 8))
    assert noise.cell_key(7, {"eps": 0.5, "T": 3}) == (low, high)
    digest = hashlib.sha256(b"[7]").hexdigest()
    assert noise.cell_key(7, None)[0] == int.from_bytes(bytes.fromhex(digest[:8]), "little")


def test_canonical_json_is_blind_to_order_and_refuses_nan():
    assert noise.canonical_json({"b": 1, "a": [0.1, 1e300]}) == '{"a":[0.1,1e+300],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        noise.canonical_json({"a": math.nan})


def test_streams_of_purposes_and_workers_do_not_meet():
    streams = {noise.stream(p, worker) for p in noise.PURPOSES for worker in (0, 1, 2**16 - 1)}
    assert len(streams) == 3 * len(noise.PURPOSES)
    assert noise.stream("full_gradient_steps", 5) == 2 * 2**16 + 5


PROBLEM = SeparableProblem("huber", "additive", L=1.0, sigma=0.5, G=1.0, d=3, start=0.25)
CELL = {"gamma": 0.01, "rho": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.5, "b": 4, "T": 5}


def keys(runs):
    return [tuple(int(w) for w in row) for row in runs.inputs.key]


def run(problem=PROBLEM, seed=1, runs=1, engine="reference", method="adasam", **changes):
    settings = CELL | changes
    common_noise = settings.pop("common_noise", False)
    return simulate(
        problem, runs=runs, seed=seed, method=method, engine=engine, record="trajectory",
        common_noise=common_noise, **settings,
    )  # fmt: skip


def test_a_cells_key_does_not_depend_on_the_grid_around_it():
    (alone,) = keys(run())
    assert keys(run(runs=3)) == [alone] * 3
    assert keys(run(b=[1, 4, 8], T=[[5], [7]]))[1] == alone
    assert keys(run(gamma=np.float32(0.25), T=5.0)) == keys(run(gamma=0.25))


def test_every_number_of_a_cell_its_problem_method_and_seed_enter_its_key():
    changed = [
        run(**{name: value})
        for name, value in {
            "gamma": 0.02, "rho": 0.2, "beta1": 0.8, "beta2": 0.9, "eps": 0.6, "b": 5, "T": 6,
        }.items()
    ]  # fmt: skip
    other = {"L": 1.0, "sigma": 0.5, "G": 1.0, "d": 3, "start": 0.25}
    changed += [
        run(problem=SeparableProblem(profile, "additive", **other | change))
        for profile, change in (
            ("cosine", {}),
            ("huber", {"L": 2.0}),
            ("huber", {"sigma": 0.4}),
            ("huber", {"G": 1.1}),
            ("huber", {"d": 4}),
            ("huber", {"start": 0.5}),
            ("huber", {"start": [0.25, 0.25, 0.5]}),
        )
    ]
    changed += [run(seed=2), run(method="sam")]
    distinct = {keys(runs)[0] for runs in [run(), *changed]}
    assert len(distinct) == 1 + len(changed)


def test_common_noise_makes_the_key_the_seeds_alone():
    shared = run(common_noise=True, gamma=[0.01, 0.02], method="sam", seed=9)
    assert set(keys(shared)) == {noise.cell_key(9, None)}
    assert np.array_equal(shared.heads[0], shared.heads[1])
    assert set(keys(run(common_noise=True, seed=8))) != set(keys(shared))


@pytest.mark.parametrize("engine", ["reference", "torch"])
@pytest.mark.parametrize("b", [1, 3, 8, 33, 64, 100])
def test_the_heads_a_run_draws_are_those_the_contract_spells_out(b, engine):
    T = 135
    text = (
        f'[5,{{"T":135,"b":{b},"beta1":0.9,"beta2":0.99,"eps":0.5,"gamma":0.01,"method":"adasam",'
        '"problem":{"G":1.0,"L":1.0,"d":3,"noise":"additive","profile":"huber","sigma":0.5,'
        '"start":0.25},"rho":0.1,"workers":1}]'
    )  # fmt: skip
    digest = hashlib.sha256(text.encode()).digest()
    key = int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")
    heads = run(seed=5, runs=2, b=b, T=T, engine=engine).heads
    width = 32 if b > 64 else next(2**k for k in range(7) if 2**k >= b)
    per_block = 128 // width
    for replicate in range(2):
        for coordinate in range(3):
            expected = []
            for block in range(-(-T // per_block)):
                words = plain_philox((block, coordinate, replicate, 0), key)
                if b > 64:
                    served = noise.block_heads(arrays(words), b, search_numpy)
                    expected += [int(h[0]) for h in served]
                else:
                    expected += plain_heads(words, b)
            assert heads[replicate, :, coordinate].tolist() == expected[:T]


def test_engines_and_dtypes_draw_the_same_heads_at_every_batch_size():
    sizes = [1, 2, 5, 16, 31, 64, 65, 4096]
    reference = run(b=sizes, T=40, runs=3)
    for dtype in ("float32", "float64"):
        batched = simulate(
            PROBLEM, runs=3, seed=1, engine="torch", dtype=dtype, record="trajectory",
            **CELL | {"b": sizes, "T": 40},
        )  # fmt: skip
        assert np.array_equal(batched.heads, reference.heads)
