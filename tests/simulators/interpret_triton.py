"""Run specs on the Triton engine, interpreted: a process of its own, for Triton reads the variable
TRITON_INTERPRET when it is imported.

Reads pickled pairs (a spec's JSON, settings of the engine's module) from standard input and writes
the pickled arrays of the runs.
"""

import os
import pickle
import sys
import warnings

os.environ["TRITON_INTERPRET"] = "1"


def main() -> None:
    import msgspec

    from simulators import spec as specs
    from simulators.engines import gpu_triton

    warnings.simplefilter("error")
    # Triton 3.6's interpreter makes numbers of arrays of one element, of which NumPy 2.3 warns.
    warnings.filterwarnings("ignore", "Conversion of an array with ndim > 0", DeprecationWarning)
    usual = vars(gpu_triton).copy()
    # What a library prints must not come between the answers.
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            content, settings = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        for name, value in settings.items():
            setattr(gpu_triton, name, value)
        spec = msgspec.convert(content, specs.Spec)
        pickle.dump(specs.run(spec, allow_outside=True).arrays(), answers)
        answers.flush()
        for name in settings:
            setattr(gpu_triton, name, usual[name])


if __name__ == "__main__":
    main()
