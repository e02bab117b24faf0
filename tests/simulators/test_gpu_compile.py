"""The Triton kernel compiled ahead of time, without a GPU: registers, spills and arithmetic."""

import importlib.util
import os
import re
import subprocess

import numpy as np
import pytest

from simulators import METHODS, SeparableProblem, simulate
from simulators.engines import gpu_triton

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("triton") is None,
        reason="triton is not installed: Linux x86-64 only",
    ),
    pytest.mark.skipif(
        os.environ.get("TRITON_INTERPRET") == "1", reason="TRITON_INTERPRET=1: nothing is compiled"
    ),
]

POINTERS = {"float32": "*fp32", "float64": "*fp64", "int32": "*i32"}


def compiled(
    card, d, dtype, profile="huber", noise="additive", method="adasam", shape=None, **changes
):
    """What the engine would launch for such runs on a card of this compute capability."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from simulators.engines import triton_kernel

    problem = SeparableProblem(
        profile, noise, L=2.0, sigma=0.1, G=1.5, d=d, start=0.4,
        condition=10.0 if noise == "shift" and d > 1 else None,
    )  # fmt: skip
    settings = {"b": 3, "T": 1, "workers": 1, "runs": 1, "seed": 0} | changes
    inputs = simulate(
        problem, gamma=0.1, rho=0.1, beta1=0.9, beta2=0.9, eps=0.3, engine="reference", **settings
    ).inputs
    shape = shape or gpu_triton.shape_for(d, dtype)
    (blocks,) = gpu_triton._batches(inputs, shape.R, 1000)
    batch = gpu_triton._Batch(
        problem, METHODS[method], inputs, blocks, shape, False, np.dtype(dtype), "cpu"
    )
    signature = {name: POINTERS[str(a.dtype)] for name, a in batch._arrays().items()}
    signature |= dict.fromkeys(("start", "stop", "lanes", "columns", "workers"), "i32")
    signature |= dict.fromkeys(batch.switches, "constexpr")
    return triton.compile(
        ASTSource(triton_kernel.run_steps, signature=signature, constexprs=batch.switches),
        target=GPUTarget("cuda", card, 32),
        options=gpu_triton.OPTIONS | {"num_warps": shape.warps},
    ), shape


def usage(kernel, tmp_path):
    """How much the compiled kernel takes of each resource, by its name."""
    import triton

    path = tmp_path / "kernel.cubin"
    path.write_bytes(kernel.asm["cubin"])
    text = subprocess.run(
        [triton.knobs.nvidia.cuobjdump.path, "-res-usage", str(path)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {name: int(value) for name, value in re.findall(r"\b([A-Z]+):(\d+)", text)}


# The kernels with the most registers on both cards.
@pytest.mark.parametrize(
    ("card", "d", "dtype", "settings"),
    [
        (80, 1, "float32", {}),
        (90, 10, "float32", {"profile": "cosine"}),
        (90, 2, "float64", {"profile": "log_cosh", "noise": "shift"}),
        (80, 1023, "float32", {"profile": "two_basin", "noise": "shift"}),
        (90, 1024, "float32", {"noise": "shift", "method": "local_sam", "workers": 2}),
        *((card, 511, "float64", {"profile": "cosine", "noise": "shift", "workers": 2})
          for card in (80, 90)),
        *((card, 512, "float64", {"profile": "two_basin", "method": "local_sam", "workers": 2})
          for card in (80, 90)),
    ],
)  # fmt: skip
def test_no_kernel_spills_and_a_multiprocessor_has_registers_for_it(
    tmp_path, card, d, dtype, settings
):
    kernel, shape = compiled(card, d, dtype, **settings)
    resources = usage(kernel, tmp_path)
    assert resources["STACK"] == resources["LOCAL"] == 0, resources
    assert resources["REG"] <= 255
    assert resources["REG"] * 32 * shape.warps <= 65536
    # Within a warp nothing passes through shared memory: no tensor changes its layout.
    assert kernel.metadata.shared <= 64 * (shape.warps > 1)


def test_the_limits_are_those_of_the_compiled_shapes():
    for dtype, d in (("float32", 1024), ("float64", 512)):
        assert gpu_triton.largest_d(dtype) == d
        assert gpu_triton.shape_for(d, dtype).C == gpu_triton.LANES


def test_twice_as_many_coordinates_in_a_lane_would_spill(tmp_path):
    shape = gpu_triton.Shape(R=16, C=2, parts=2 * gpu_triton.PARTS["float64"], warps=1)
    kernel, _ = compiled(90, 7, "float64", "two_basin", "shift", shape=shape)
    assert usage(kernel, tmp_path)["STACK"] > 0


@pytest.mark.parametrize(("d", "dtype"), [(1, "float32"), (2, "float64")])
def test_arithmetic_is_rounded_as_on_a_cpu(d, dtype):
    kernel, _ = compiled(90, d, dtype, profile="log_cosh" if d == 2 else "pseudo_huber")
    ptx = kernel.asm["ptx"]
    suffix = {"float32": "f32", "float64": "f64"}[dtype]
    assert f"div.rn.{suffix}" in ptx
    assert f"sqrt.rn.{suffix}" in ptx
    assert not re.search(r"\bfma\.|\.approx|\.full\.|\.ftz", ptx)
    if dtype == "float64":
        assert "f32" not in kernel.asm["ttir"]


def test_ones_are_counted_by_one_instruction():
    kernel, _ = compiled(90, 1, "float32")
    assert "popc.b32" in kernel.asm["ptx"]
