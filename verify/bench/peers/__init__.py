"""Peers: the same runs as a good user of another tool would write them.

Each module has ``make(setting, runs, dtype)``, which returns ``run(T, seed)``; that does T steps
of every run with the tool's own random numbers and returns each run's
(1/T) sum ||grad f(x_t)||^2, summed in float64. A peer is imported when it is asked for, and only
there is its tool imported.

`numpy_batched`     NumPy, all runs as one array [R, d].
`torch_optim_loop`  torch.optim.Adam in a SAM loop with autograd, one run at a time.
`jax_scan`          JAX and optax: jit(vmap(scan)), and jit(scan) over arrays with the runs last.
`torch_gather_bmm`  torch on a finite sum: rows gathered, batched matrix products.
"""
