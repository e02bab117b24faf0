"""What the torch engine does for a GPU, shown on a CPU."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from simulators import METHODS, SeparableProblem, simulate, sums
from simulators.engines.torch_any import separable as torch_batched
from theory.errors import InputError

RUN = {
    "gamma": 0.02, "rho": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 0.25, "b": [1, 3, 40, 100],
    "T": [40, 33, 40, 9], "workers": [1, 2, 1, 3], "runs": 3, "seed": 1, "engine": "torch",
    "dtype": "float64",
}  # fmt: skip
"""Some T are beyond the history's 32 slots."""


def make(noise="shift", **changes):
    constants = {"L": 2.0, "sigma": 0.75, "G": 1.5, "d": 5, "start": 0.4} | changes
    return SeparableProblem("log_cosh", noise, **constants)


@pytest.mark.parametrize("d", [1, 2, 3, 5, 8, 13, 100])
def test_sums_by_halves_are_sums_and_no_other_row_changes_them(d):
    values = torch.tensor(np.random.default_rng(d).normal(size=(40, 3, d)))
    whole = sums.by_halves(values)
    # d - 1 additions of at most d * max |value|, each off by half a unit in the last place.
    torch.testing.assert_close(whole, values.sum(-1), rtol=0, atol=d * d * 5 * 2.0**-53)
    for row in (0, 39):
        alone = sums.by_halves(values[row : row + 1].clone())
        assert torch.equal(whole[row], alone[0])


# Each method on one problem, turned or not; each worker on its own on both.
every_method = pytest.mark.parametrize(
    ("method", "rotation"),
    [("local_sam", None), *zip(METHODS, [None, 3] * 3, strict=True)],
)


@every_method
def test_with_a_gpus_sums_the_paths_are_the_references(monkeypatch, method, rotation):
    monkeypatch.setattr(sums, "varies", torch.is_tensor)
    monkeypatch.setattr(torch_batched, "varies", torch.is_tensor)
    settings = RUN | {"method": method, "record": "trajectory"}
    runs = simulate(make(rotation=rotation), **settings)
    truth = simulate(make(rotation=rotation), **settings | {"engine": "reference"})
    for name, array in truth.arrays().items():
        most = 1e-12 * np.nanmax(np.abs(array)) if array.dtype.kind == "f" else 0
        values = runs.arrays()[name]
        np.testing.assert_allclose(values, array, rtol=0, atol=most, equal_nan=True, err_msg=name)


class NothingForTheHost(TorchDispatchMode):
    """Fails where an operation brings a value to the host, for which a GPU would have to wait."""

    def __torch_dispatch__(self, function, kinds, args=(), kwargs=None):
        name = str(function)
        assert "_local_scalar_dense" not in name, name
        assert "nonzero" not in name, name
        return function(*args, **kwargs or {})


@every_method
def test_no_step_asks_the_device_for_a_value(monkeypatch, method, rotation):
    monkeypatch.setattr(sums, "varies", torch.is_tensor)
    monkeypatch.setattr(torch_batched, "varies", torch.is_tensor)
    monkeypatch.setattr(torch.Tensor, "numpy", lambda _: pytest.fail("to the host"))
    monkeypatch.setattr(torch.Tensor, "cpu", lambda _: pytest.fail("to the host"))
    monkeypatch.setattr(torch_batched.Results, "collected", lambda _: {"collected": True})
    batches, settings = [], {name: value for name, value in RUN.items() if name != "workers"}

    class Watched(torch_batched._Batch):
        def run(self, trajectory, progress):
            batches.append(self)
            with NothingForTheHost():
                super().run(trajectory, progress)
            raise InterruptedError

    monkeypatch.setattr(torch_batched, "_Batch", Watched)
    with pytest.raises(InterruptedError):
        simulate(make(rotation=rotation), method=method, **settings)
    assert len(batches) == 1


def test_a_batch_takes_half_of_the_free_memory_at_most(monkeypatch):
    free = 2**30
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 2 * free))
    device = torch.device("cuda")
    for d, workers in ((1, 1), (10, 1), (1000, 4), (10**4, 1)):
        each = d * torch_batched.bytes_each(workers, True, torch.float32)
        count = torch_batched._runs_at_once(d, workers, each, device)
        assert 1 <= count <= torch_batched.CHUNK["cuda"]
        assert count * each <= free / 2
        most = torch_batched.CHUNK["cuda"] // (d * workers)
        assert count == most or (count + 1) * each > free / 2
    each = 10**7 * torch_batched.bytes_each(1, False, torch.float32)
    with pytest.raises(InputError, match=r"d = 10000000 and workers = 1: a run takes .* MB"):
        torch_batched._runs_at_once(10**7, 1, each, device)


@pytest.mark.parametrize(
    ("method", "workers", "b", "dtype"),
    [("adasam", 1, 1, "float64"), ("local_sam", 3, 64, "float32")],
)
def test_a_batch_takes_no_more_memory_than_was_planned(monkeypatch, method, workers, b, dtype):
    R, d = 2**11, 8
    monkeypatch.setattr(torch_batched, "CHUNK", {"cpu": R * d * workers})
    settings = RUN | {"T": 34, "b": b, "runs": R, "workers": workers, "dtype": dtype}
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as profile:
        simulate(make(d=d), method=method, **settings)
    held = most = 0
    assert profile.profiler is not None
    assert profile.profiler.kineto_results is not None
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    planned = d * torch_batched.bytes_each(workers, method == "local_sam", getattr(torch, dtype))
    print(f"most {most / R:.0f} bytes a run, planned {planned}")
    assert most < R * planned + 8 * torch_batched.REFILL * 34
    assert most > 0.4 * R * planned
