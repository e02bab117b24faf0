"""Where the compiled loops of a CPU put their results, and the runs that these make."""

from dataclasses import dataclass

import numpy as np

from simulators.engines.schedule import checkpoint_schedules
from simulators.runs import Inputs, Runs


@dataclass(frozen=True)
class Outcome:
    """Results of R runs, as loops fill them.

    Attributes
    ----------
    inputs : Inputs
    schedules : (C, K) int64
        The different schedules of checkpoints.
    schedule : (R,) int64
        Each run's row there.
    curves : (3, R, K) float64
        Running means of ||grad f||^2, plain and weighted, and f.
    finals : (4, R) float64
        eta's variation in both norms, the adaptive share, the largest |gradient|.
    x : (R, 1 or T + 1, d) float64
        x_T alone, or the whole path.
    """

    inputs: Inputs
    schedules: np.ndarray
    schedule: np.ndarray
    curves: np.ndarray
    finals: np.ndarray
    x: np.ndarray

    @staticmethod
    def empty(inputs: Inputs, x0: np.ndarray, trajectory: bool) -> "Outcome":
        """Return room for the results of ``inputs`` from x_0, (d,)."""
        schedules, schedule = checkpoint_schedules(inputs.T)
        R, longest = len(inputs), int(inputs.T.max()) if trajectory else 0
        x = np.full((R, longest + 1, len(x0)), np.nan)
        if trajectory:
            x[:, 0] = x0
        curves = np.full((3, R, schedules.shape[1]), np.nan)
        return Outcome(inputs, schedules, schedule, curves, np.zeros((4, R)), x)

    def runs(
        self,
        trajectory: bool,
        *,
        heads: np.ndarray | None = None,
        samples: np.ndarray | None = None,
    ) -> Runs:
        """Return the runs, with what they drew, (R, T, n, .), where the path is recorded."""

        def drawn(values: np.ndarray | None) -> np.ndarray | None:
            if values is None or not trajectory:
                return None
            return values if values.shape[2] > 1 else values[:, :, 0]

        l1, l2, share, largest = self.finals
        return Runs(
            inputs=self.inputs,
            step=self.schedules[self.schedule],
            mean_grad_norm2=self.curves[0],
            mean_weighted_grad_norm2=self.curves[1],
            objective=self.curves[2],
            eta_variation_l1=l1,
            eta_variation_l2=l2,
            adaptive_share=share,
            max_abs_gradient=largest,
            x=self.x if trajectory else self.x[:, 0],
            heads=drawn(heads),
            samples=drawn(samples),
        )
