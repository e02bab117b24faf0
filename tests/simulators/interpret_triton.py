"""Run specs on the Triton engine, interpreted: a process of its own, for Triton reads the variable
TRITON_INTERPRET when it is imported.

Reads pickled pairs (a spec's JSON, settings of the engine's module) from standard input and writes
the pickled arrays of the runs; of None and what `look_up` takes, what it returns.
"""

import gc
import os
import pickle
import sys
import warnings
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"


def patch_once() -> None:
    """Patch Triton's language once a launch, not at every call within: a quarter of the time.
    Look up once which type of NumPy's a type is: a tenth.
    """
    import triton.language as tl
    from triton.runtime import interpreter

    look_up_type = getattr(interpreter, "_get_np_dtype", None)
    if look_up_type is not None:
        types = {}

        def np_dtype(kind: Any) -> Any:
            name = kind.scalar.name
            if name not in types:
                types[name] = look_up_type(kind)
            return types[name]

        interpreter._get_np_dtype = np_dtype
    usual = getattr(interpreter, "_patch_lang", None)
    if usual is None:
        return

    def patch(fn: Any) -> Any:
        seen = {id(value) for value in fn.__globals__.values()}
        own = [each for each in (tl, tl.core) if id(each) in seen]
        return usual(fn) if any(tl.core.is_builtin(each.load) for each in own) else None

    interpreter._patch_lang = patch


def look_up(own: Any, tables: Any, words: Any) -> Any:
    """Return the numbers of heads that the kernel's table has for words."""
    import numpy as np
    import torch
    from table_kernel import look_up_all

    count = 1 << (len(words) - 1).bit_length()  # Triton's ranges are powers of two
    padded = np.append(words, np.zeros(count - len(words), dtype=words.dtype))
    out = torch.zeros(count, dtype=torch.int32)
    given = [torch.tensor(each.view("int32")) for each in (padded, own, tables)]
    look_up_all[(1,)](*given, out, N=count)
    return out.numpy()[: len(words)]


def main() -> None:
    import msgspec

    from simulators import spec as specs
    from simulators.engines.triton_gpu import separable as gpu_triton

    warnings.simplefilter("error")
    # Triton 3.6's interpreter makes numbers of arrays of one element, of which NumPy 2.3 warns.
    warnings.filterwarnings("ignore", "Conversion of an array with ndim > 0", DeprecationWarning)
    patch_once()
    gc.freeze()  # else each of the many collections goes through all modules
    usual = vars(gpu_triton).copy()
    # What a library prints must not come between the answers.
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            content, settings = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        if content is None:
            pickle.dump(look_up(**settings), answers)
            answers.flush()
            continue
        for name, value in settings.items():
            setattr(gpu_triton, name, value)
        spec = msgspec.convert(content, specs.Spec)
        pickle.dump(specs.run(spec, allow_outside=True).arrays(), answers)
        answers.flush()
        for name in settings:
            setattr(gpu_triton, name, usual[name])


if __name__ == "__main__":
    main()
