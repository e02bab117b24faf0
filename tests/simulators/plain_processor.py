"""Runs of the numba engine as a processor of the oldest kind would do them: no AVX, no fused
multiplication and addition, vectors of 128 bits. A process of its own, ``python FILE PATH TEXT``,
with numba told of such a processor; TEXT is JSON, the arguments of a `SeparableProblem` and of
`simulate`; the runs are saved to PATH."""

import json
import sys

import numpy as np

from simulators import SeparableProblem, simulate
from simulators.engines import vectors

if __name__ == "__main__":
    vectors.BYTES = 16
    vectors.WIDTH.update({np.dtype(kind): 16 // np.dtype(kind).itemsize for kind in vectors.REAL})
    constants, settings = json.loads(sys.argv[2])
    simulate(SeparableProblem(**constants), **settings).save(sys.argv[1])
