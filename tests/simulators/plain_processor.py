"""Runs of the numba engine as a processor of the oldest kind would do them: no AVX, no fused
multiplication and addition, vectors of 128 bits. A process of its own, ``python FILE TEXT``, with
numba told of such a processor; TEXT is JSON, from where runs are saved to the arguments of
`SeparableProblem` and of `simulate`."""

import json
import sys

import numpy as np

from simulators import SeparableProblem, simulate
from simulators.engines.numba_cpu import vectors

if __name__ == "__main__":
    vectors.BYTES = 16
    vectors.WIDTH.update({np.dtype(kind): 16 // np.dtype(kind).itemsize for kind in vectors.REAL})
    for path, (constants, settings) in json.loads(sys.argv[1]).items():
        simulate(SeparableProblem(**constants), **settings).save(path)
