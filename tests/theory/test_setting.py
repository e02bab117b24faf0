"""Constants and hyper-parameters: what is taken, and how the rest is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import Constants, Hyperparameters, InputError
from theory.bound import trivial
from theory.setting import values
from theory.theorem1 import CORRECTED, VARIANTS

CONSTANTS = {"L": 1.0, "sigma": 1.0, "G": 2.0, "d": 10, "Delta": 1.0}
HYPER = {
    "gamma": 0.01, "rho": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 0.5, "b": 16, "T": 10000,
}  # fmt: skip


def make(name, value):
    if name in CONSTANTS:
        return Constants(**CONSTANTS | {name: value})
    return Hyperparameters(**HYPER | {name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "one", True, None, [1.0, "x"]])
@pytest.mark.parametrize("name", [*CONSTANTS, *HYPER])
def test_what_is_no_finite_number_is_refused_by_name(name, value):
    with pytest.raises(InputError, match=rf"^{name} = .*finite"):
        make(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 0) for name in ("L", "G", "d", "gamma", "eps", "b", "T")),
        *((name, -0.5) for name in ("L", "sigma", "G", "d", "Delta")),
        *((name, -0.5) for name in ("gamma", "rho", "beta1", "beta2", "eps", "b", "T")),
        *((name, 2.5) for name in ("d", "b", "T")),
        *((name, 2.0**53) for name in ("d", "b", "T")),
        ("beta1", 1),
        ("beta1", 1.5),
        ("beta2", 1.0000001),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_value_and_a_cure(name, value):
    with pytest.raises(InputError, match=rf"^{name} = .*is outside .*: \w") as caught:
        make(name, value)
    assert f"{value:.12g}" in str(caught.value)


def test_one_bad_element_of_an_array_is_the_one_named():
    with pytest.raises(InputError, match="gamma = -3 "):
        make("gamma", [0.1, -3, 0.2])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sigma", 0), ("Delta", 0), ("rho", 0), ("beta1", 0), ("beta2", 0), ("beta2", 1),
        ("d", 1), ("b", 1), ("T", 1), ("T", 2.0**53 - 1), ("beta1", math.nextafter(1, 0)),
        ("gamma", 5e-324), ("eps", 1e300),
    ],
)  # fmt: skip
def test_the_ends_of_the_ranges_are_in(name, value):
    assert getattr(make(name, value), name) == value


def test_noise_beyond_what_assumption_3_allows_is_refused_with_the_limit():
    with pytest.raises(InputError, match=r"sigma = 6\.5 exceeds sqrt\(d\) G = 6\.32456"):
        make("sigma", 6.5)
    with pytest.raises(InputError, match=r"sigma = 2 exceeds sqrt\(d\) G = 1.41421"):
        Constants(L=1, sigma=[1, 2], G=1, d=[4, 2], Delta=0)


@given(st.integers(1, 10**6), st.floats(1e-6, 1e6))
def test_the_largest_noise_is_in_however_it_is_rounded(d, G):
    for sigma in (math.sqrt(d) * G, math.sqrt(d * G * G)):
        assert Constants(L=1, sigma=sigma, G=G, d=d, Delta=0).sigma == sigma


def test_whole_numbers_written_as_floats_become_integers():
    hyper = Hyperparameters(**HYPER | {"b": 16.0, "T": [1e4, 2e4]})
    assert hyper.b.dtype == hyper.T.dtype == np.int64
    assert hyper.T.tolist() == [10000, 20000]


@pytest.mark.parametrize("kind", [Constants, Hyperparameters])
def test_shapes_that_do_not_broadcast_are_named(kind):
    one, other = ("L", "G") if kind is Constants else ("gamma", "T")
    given_values = CONSTANTS if kind is Constants else HYPER
    with pytest.raises(InputError, match=rf"{one} \(2,\), {other} \(3,\) do not broadcast"):
        kind(**given_values | {one: [1, 2], other: [1, 2, 3]})


def test_a_setting_cannot_be_changed_after_its_check():
    hyper = Hyperparameters(**HYPER)
    with pytest.raises(AttributeError):
        hyper.gamma = -1  # type: ignore[misc]


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_gb_is_the_larger_of_G_and_eps(G, eps):
    arrays = values(
        Constants(**CONSTANTS | {"G": G, "sigma": 0}), Hyperparameters(**HYPER | {"eps": eps})
    )
    assert arrays["Gb"] == max(G, eps)
    assert all(array.dtype == np.float64 for array in arrays.values())


def test_a_bound_beyond_float64_is_refused_and_one_just_inside_is_finite():
    hyper = Hyperparameters(**HYPER)
    for variant in VARIANTS.values():
        with pytest.raises(
            InputError, match="is not finite in float64: rescale the setting's units"
        ):
            variant.total(Constants(**CONSTANTS | {"G": 1e160}), hyper)
        assert np.isfinite(variant.total(Constants(**CONSTANTS | {"Delta": 1e300}), hyper))
    for G in (1e155, 1e-170):
        with pytest.raises(InputError, match=r"d G\^2 is not finite and positive"):
            trivial(Constants(**CONSTANTS | {"G": G, "sigma": 0}))
    with pytest.raises(InputError, match=r"the margin of gamma <= .* is not finite"):
        CORRECTED.preconditions(
            Constants(**CONSTANTS), Hyperparameters(**HYPER | {"eps": 5e-324, "gamma": 1e300})
        )
