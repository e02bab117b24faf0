"""A parameter server with processes of its own: run as ``parameter_server.py N FOLDER``.

Each process is a worker: it draws its own mini-batch by the noise contract, perturbs along its
own gradient and sends one gradient. Process 0 is the server too: it keeps m, v and v_hat, and
sends x back. Nothing is taken from `simulators.methods`.
"""

import json
import multiprocessing
import multiprocessing.connection
import os
import socket
import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from simulators import SeparableProblem, noise


def main() -> int:
    """Start all processes; when one fails, end the others, which would wait for it."""
    n, folder = int(sys.argv[1]), Path(sys.argv[2])
    # Forked, they need not import torch once more.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    crew = [context.Process(target=work, args=(rank, n, folder), daemon=True) for rank in range(n)]
    for process in crew:
        process.start()
    for _ in crew:
        running = [process.sentinel for process in crew if process.exitcode is None]
        if running:
            multiprocessing.connection.wait(running)
        if any(process.exitcode for process in crew):
            return 1  # a daemon ends with the process that started it
    for process in crew:
        process.join()
    return max(abs(process.exitcode or 0) for process in crew)


def work(rank: int, n: int, folder: Path) -> None:
    """Go through all settings as one of n workers, and save the paths."""
    settings = json.loads((folder / "settings.json").read_text())
    # By itself gloo listens on the address of the machine's name, for all the network.
    names = {name for _, name in socket.if_nameindex()}
    os.environ["GLOO_SOCKET_IFNAME"] = "lo" if "lo" in names else "lo0"
    dist.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=n
    )
    for number, setting in enumerate(settings):
        np.save(folder / f"path{number}-{rank}.npy", path_of(setting, rank, n))
    (folder / f"addresses{rank}.json").write_text(json.dumps(listening()))
    dist.destroy_process_group()


def path_of(setting: dict, rank: int, n: int) -> np.ndarray:
    """Run Algorithm 1 with the other processes; return the iterates."""
    problem = SeparableProblem(**setting["problem"])
    rho, b, key = setting["rho"], setting["b"], setting["key"]
    x = torch.from_numpy(problem.x0.copy())
    m, v = np.zeros(problem.d), np.zeros(problem.d)
    v_hat, path = np.full(problem.d, setting["eps"] ** 2), [problem.x0.copy()]
    for t in range(setting["T"]):
        batch = problem.noise_from_heads(heads(t, b, key, rank, problem.d), b)
        s = problem.batch_gradient(x.numpy()[None], batch, np)
        delta = rho * s / np.linalg.norm(s)
        g = torch.from_numpy(problem.batch_gradient(x.numpy()[None] + delta, batch, np)[0])
        sent = [torch.empty_like(g) for _ in range(n)] if rank == 0 else None
        dist.gather(g, sent, dst=0)
        if sent is not None:
            mean = torch.stack(sent).mean(0).numpy()
            m = setting["beta1"] * m + (1 - setting["beta1"]) * mean
            v = setting["beta2"] * v + (1 - setting["beta2"]) * mean**2
            v_hat = np.maximum(v_hat, v)
            x = x - torch.from_numpy(setting["gamma"] * m / np.sqrt(v_hat))
        dist.broadcast(x, src=0)
        path.append(x.numpy().copy())
    return np.stack(path)


def listening() -> list[str]:
    """Return the addresses on which this process listens, of a Linux system."""
    own = {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    found = []
    for table in Path("/proc/self/net").glob("tcp*"):
        for line in table.read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in own:
                words = bytes.fromhex(local.split(":")[0])
                raw = b"".join(words[k : k + 4][::-1] for k in range(0, len(words), 4))
                found.append(
                    socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
                )
    return found


def heads(t: int, b: int, key: list[int], worker: int, d: int) -> np.ndarray:
    """Return the worker's number of heads per coordinate at step t, (1, d)."""
    each = noise.steps_per_block(b)
    counter = (
        np.array([t // each]), np.arange(d), np.array([0]),
        np.array([noise.stream("gradient", worker)]),
    )  # fmt: skip
    words = noise.philox(counter, (np.array(key[:1]), np.array(key[1:])))
    return noise.block_heads(words, b, np.searchsorted)[t % each][None].astype(np.float64)


if __name__ == "__main__":
    sys.exit(main())
