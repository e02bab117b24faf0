"""A Triton kernel that does nothing but look words up in the table of the binomial law."""

# pyright: reportArgumentType=none, reportIndexIssue=none, reportCallIssue=none
# pyright: reportGeneralTypeIssues=none

import triton
import triton.language as tl

from simulators.engines.triton_gpu.kernel import SETTINGS, look_up


@triton.jit
def look_up_all(words, settings, tables, heads, N: tl.constexpr):
    """Put the N words' numbers of heads into ``heads``, for a block with these switches."""
    own = ()
    for i in tl.static_range(SETTINGS):
        own = own + (tl.load(settings + i),)  # noqa: RUF005
    at = tl.arange(0, N)
    word = tl.load(words + at).to(tl.uint32, bitcast=True)
    tl.store(heads + at, look_up(word, own, tables))
