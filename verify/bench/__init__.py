"""`adasam bench`: how fast the engines are, beside what a good user of other tools would write.

`setting`     what is timed: a problem and hyper-parameters.
`peers`       the same runs in NumPy, in torch with torch.optim, in JAX with optax.
`contenders`  engines and peers, all called the same way.
`cases`       which sizes are compared; a new row is an `Entry` in one of its functions.
`measure`     turn by turn, on so many cores, medians.
`children`    compilation and peak memory, in processes of their own.
`ratios`      from rows to answers.
`machine`     on what it ran.
`drawing`     from rows to the figure's data.
`job`         all of it, and the files.
"""

from verify.bench.cases import FULL as FULL
from verify.bench.cases import QUICK as QUICK
from verify.bench.cases import Sizes as Sizes
from verify.bench.job import bench as bench
