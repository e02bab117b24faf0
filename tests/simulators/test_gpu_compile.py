"""The Triton kernel compiled ahead of time, without a GPU: registers, spills and arithmetic."""

import os
import re
from functools import cache
from importlib.metadata import version

import pytest

from simulators import SeparableProblem
from simulators.engines.triton_gpu import separable as gpu_triton
from verify.bench import issue
from verify.bench.setting import Setting

WITHOUT = gpu_triton.unusable_triton()
TRITON = [0, 0] if WITHOUT else [int(part) for part in version("triton").split(".")[:2]]

pytestmark = [
    pytest.mark.skipif(WITHOUT is not None, reason=f"needs Triton, {WITHOUT}"),
    pytest.mark.skipif(
        os.environ.get("TRITON_INTERPRET") == "1", reason="TRITON_INTERPRET=1: nothing is compiled"
    ),
]


@cache
def compiled(
    card, d, dtype, profile="huber", noise="additive", method="adasam", shape=None, workers=1
):
    """What the engine would launch for such runs on a card of this compute capability."""
    problem = SeparableProblem(
        profile, noise, L=2.0, sigma=0.1, G=1.5, d=d, start=0.4,
        condition=10.0 if noise == "shift" and d > 1 else None,
    )  # fmt: skip
    setting = Setting(b=3, gamma=0.1, rho=0.1, beta2=0.9, eps=0.3, method=method)
    return issue.compiled(setting, dtype, card, problem=problem, shape=shape, workers=workers)


# The kernels with the most registers, of which each card has some.
@pytest.mark.parametrize(
    ("card", "d", "dtype", "settings"),
    [
        (90, 10, "float32", {"profile": "cosine"}),
        (90, 2, "float64", {"profile": "log_cosh", "noise": "shift"}),
        (80, 1023, "float32", {"profile": "two_basin", "noise": "shift"}),
        (90, 1024, "float32", {"noise": "shift", "method": "local_sam", "workers": 2}),
        (90, 511, "float64", {"profile": "cosine", "noise": "shift", "workers": 2}),
        (80, 512, "float64", {"profile": "two_basin", "method": "local_sam", "workers": 2}),
    ],
)  # fmt: skip
def test_no_kernel_spills_and_a_multiprocessor_has_registers_for_it(card, d, dtype, settings):
    kernel, shape = compiled(card, d, dtype, **settings)
    resources = issue.usage(kernel)
    assert resources["STACK"] == resources["LOCAL"] == 0, resources
    assert resources["REG"] <= 255
    assert resources["REG"] * 32 * shape.warps <= 65536
    # Within a warp nothing passes through shared memory: no tensor changes its layout.
    assert kernel.metadata.shared <= 64 * (shape.warps > 1)


def test_the_limits_are_those_of_the_compiled_shapes():
    for dtype, d in (("float32", 1024), ("float64", 512)):
        assert gpu_triton.largest_d(dtype) == d
        assert gpu_triton.shape_for(d, dtype).C == gpu_triton.LANES


@pytest.mark.skipif(
    TRITON != [3, 7],
    reason="only Triton 3.7 spills here: 3.6 and 3.8 need fewer registers",
)
def test_twice_as_many_coordinates_in_a_lane_would_spill():
    shape = gpu_triton.Shape(R=16, C=2, parts=2 * gpu_triton.PARTS["float64"], warps=1)
    kernel, _ = compiled(90, 7, "float64", "two_basin", "shift", shape=shape)
    assert issue.usage(kernel)["STACK"] > 0


# Kernels that are compiled above and below, too.
@pytest.mark.parametrize(
    ("d", "dtype", "settings"),
    [
        (1, "float32", {"profile": "pseudo_huber"}),
        (2, "float64", {"profile": "log_cosh", "noise": "shift"}),
    ],
)
def test_arithmetic_is_rounded_as_on_a_cpu(d, dtype, settings):
    kernel, _ = compiled(90, d, dtype, **settings)
    ptx = kernel.asm["ptx"]
    suffix = {"float32": "f32", "float64": "f64"}[dtype]
    assert f"div.rn.{suffix}" in ptx
    assert f"sqrt.rn.{suffix}" in ptx
    assert not re.search(r"\bfma\.|\.approx|\.full\.|\.ftz", ptx)
    if dtype == "float64":
        assert "f32" not in kernel.asm["ttir"]


def test_ones_are_counted_by_one_instruction():
    kernel, _ = compiled(90, 1, "float32", profile="pseudo_huber")
    assert "popc.b32" in kernel.asm["ptx"]


CODE = """
        /*0000*/                   MOV R1, c[0x0][0x28] ;
        /*0010*/                   FADD R2, R2, R3 ;
        /*0020*/               @P0 BRA 0x00d0 ;
{philox}
        /*00d0*/              @!P1 BRA 0x0100 ;
        /*00e0*/                   CALL.REL.NOINC 0x0200 ;
        /*00f0*/                   BRA 0x0100 ;
        /*0100*/              @!P2 BRA 0x0120 ;
        /*0110*/                   FMUL R2, R2, R3 ;
        /*0120*/               @P3 BRA 0x0140 ;
        /*0130*/                   STG.E.64 desc[UR8][R168.64], R94 ;
        /*0140*/               @P0 BRA 0x0010 ;
        /*0150*/                   EXIT ;
""".format(
    philox="\n".join(
        f"        /*{0x30 + 16 * i:04x}*/                   IMAD.WIDE.U32 R4, R4, -0x326172a9, RZ ;"
        for i in range(10)
    )
)
"""A loop with a Philox block of 10, a slow path, a conditional product and a checkpoint."""


def test_a_steps_instructions_are_those_of_the_loops_usual_way():
    # FADD, the branch past Philox, the one past the call, past the product (not taken), the
    # product, the one past the store, the loop's.
    assert issue.counted(issue.parsed(CODE)) == (7, 10)


def test_the_issue_bound_counts_a_philox_block_once_for_the_steps_it_serves():
    one, sixteen = (issue.bound(Setting(d=1, b=b), "float32") for b in (1, 16))
    step, philox = issue.counted(
        issue.parsed(issue.disassembled(issue.compiled(Setting(d=1), "float32")[0], "-sass"))
    )
    # One coordinate in each of a warp's 32 lanes; b = 1 has 128 steps a block, b = 16 eight.
    assert one["instructions"] == round(step + philox / 128, 1)
    assert sixteen["instructions"] == round(step + philox / 8, 1)
    assert sixteen["rate"] == 132 * 1.98e9 * 4 * 32 / (step + philox / 8)
    assert one["spills"] == sixteen["spills"] == 0
    assert 50 < step < 400
    # Ten rounds of two products of 32 by 32 bits and four exclusive ors, at least.
    assert 40 <= philox < 200
