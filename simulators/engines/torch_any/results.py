"""What the torch engine records of a batch of runs, on the device until the end."""

import numpy as np
import torch

from simulators.problems import SeparableProblem
from simulators.runs import Inputs

CURVES = ("mean_grad_norm2", "mean_weighted_grad_norm2", "objective")
FINALS = ("eta_variation_l1", "eta_variation_l2", "adaptive_share", "max_abs_gradient")
"""Fields of `Runs` that are recorded at checkpoints, and at the end."""


class Results:
    """What is recorded of a batch, on its device.

    All that says where a result goes is put there beforehand, so that nothing in the loop waits.
    """

    def __init__(
        self,
        problem: SeparableProblem,
        inputs: Inputs,
        due: dict[int, list[tuple[np.ndarray, np.ndarray]]],
        columns: int,
        trajectory: tuple[int, int] | None,
        device: torch.device,
    ) -> None:
        self.problem, self.inputs, self.trajectory, self.device = (
            problem,
            inputs,
            trajectory,
            device,
        )
        R, d = len(inputs), problem.d
        self.due = {
            t: [(self._there(rows)[:, None], self._there(cells)[None, :]) for rows, cells in places]
            for t, places in due.items()
        }
        self.ends = {
            T: self._there(np.flatnonzero(inputs.T == T)) for T in np.unique(inputs.T).tolist()
        }
        self.keep(np.arange(R))

        def nan(*shape: int) -> torch.Tensor:
            return torch.full(shape, torch.nan, dtype=torch.float64, device=device)

        self.curves, self.finals = nan(len(CURVES), R, columns), nan(len(FINALS), R)
        longest, most = trajectory or (0, 0)
        self.x = nan(R, longest + 1, d)
        self.x[:, 0] = torch.tensor(problem.x0, device=device)
        self.heads = torch.full((R, longest, most, d), -1, dtype=torch.int32, device=device)

    def _there(self, index: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(index, device=self.device)

    def keep(self, rows: np.ndarray) -> None:
        """Go on with these runs, in this order."""
        place = np.full(len(self.inputs), -1)
        place[rows] = np.arange(len(rows))
        self.rows, self.place = self._there(rows), self._there(place)

    def follow(self, t: int, x: torch.Tensor, heads: torch.Tensor) -> None:
        """Take the iterates after t steps, and the heads (R, workers, d) of the last of them."""
        self.x[self.rows, t] = x.to(torch.float64)
        self.heads[self.rows, t - 1, : heads.shape[1]] = heads.to(torch.int32)

    def record(self, t: int, total: torch.Tensor, x: torch.Tensor) -> None:
        """Take the points of the curves that are due after t steps; ``total`` (5, R)."""
        if t not in self.due:
            return
        mean = total[: len(CURVES) - 1] / t
        objective = self.problem.objective(x.to(torch.float64), torch)
        values = torch.cat([mean, objective[None]])
        for rows, columns in self.due[t]:
            self.curves[:, rows, columns] = values[:, self.place[rows]]

    def finish(self, t: int, total: torch.Tensor, largest: torch.Tensor, x: torch.Tensor) -> None:
        """Take the final figures of the runs whose T is t."""
        if t not in self.ends:
            return
        rows = self.ends[t]
        here = self.place[rows]
        values = torch.cat([total[len(CURVES) - 1 :], largest.amax(1).to(torch.float64)[None]])
        self.finals[:, rows] = values[:, here]
        if not self.trajectory:
            self.x[rows, 0] = x[here].to(torch.float64)

    def collected(self) -> dict[str, np.ndarray]:
        """Return the fields of `Runs`, but for the checkpoints."""
        values = [*self.curves.cpu().numpy(), *self.finals.cpu().numpy()]
        out: dict[str, np.ndarray] = dict(zip((*CURVES, *FINALS), values, strict=True))
        out["adaptive_share"] = out["adaptive_share"] / (self.problem.d * self.inputs.T)
        x, heads = self.x.cpu().numpy(), self.heads.cpu().numpy()
        out["x"] = x if self.trajectory else x[:, 0]
        if self.trajectory:
            out["heads"] = heads if heads.shape[2] > 1 else heads[:, :, 0]
        return out
