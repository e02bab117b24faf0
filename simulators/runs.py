"""What goes into an engine, and what comes out."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulators.arrays import read
from simulators.files import whole
from theory.errors import InputError

CHECKPOINTS = 64
"""How many checkpoints a run's curves have."""


@dataclass(frozen=True)
class Inputs:
    """Every run's settings, one row a run.

    Attributes
    ----------
    gamma, rho, beta1, beta2, eps : (R,) float64
        Hyper-parameters; gamma and rho in X, eps in F/X.
    v_init : (R,) float64, unit F^2/X^2
        v_{-1}.
    b, T, workers : (R,) int64
        Batch size of each worker, number of steps, number of workers.
    cell : (R,) int64
        Which cell the run replicates.
    replicate : (R,) int64
        Its number within the cell, from 0.
    key : (R, 2) uint32
        The cell's Philox key, low word first.
    """

    gamma: np.ndarray
    rho: np.ndarray
    beta1: np.ndarray
    beta2: np.ndarray
    eps: np.ndarray
    v_init: np.ndarray
    b: np.ndarray
    T: np.ndarray
    workers: np.ndarray
    cell: np.ndarray
    replicate: np.ndarray
    key: np.ndarray

    def __len__(self) -> int:
        return len(self.T)

    def take(self, rows: np.ndarray) -> "Inputs":
        """Return the given rows alone."""
        return Inputs(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True)
class Runs:
    """What the runs of a simulation measured: R runs, K checkpoints, dimension d.

    Attributes
    ----------
    inputs : Inputs
        The runs' settings.
    step : (R, K) int64
        The checkpoints t: how many steps were done; log-spaced from 1 to T, with repeats where
        T is small.
    mean_grad_norm2 : (R, K) float64, unit F^2/X^2
        (1/t) sum_{s<t} ||grad f(x_s)||^2 of the true gradient; its mean over runs at t = T
        estimates the left side of Theorem 1. Of a finite sum an unbiased estimate from some of
        the steps (`simulators.engines.strata`), unless ``gradient_share`` is 1.
    mean_weighted_grad_norm2 : (R, K) float64, unit F/X
        The same with each square weighted by eta_{s-1}.
    objective : (R, K) float64, unit F
        f(x_t).
    eta_variation_l1 : (R,) float64, unit X/F
        sum_t ||eta_t - eta_{t-1}||_1.
    eta_variation_l2 : (R,) float64, unit X^2/F^2
        sum_t ||eta_t - eta_{t-1}||^2.
    adaptive_share : (R,) float64
        Share of the coordinates and steps with v_hat_t > eps^2.
    max_abs_gradient : (R,) float64, unit F/X
        Largest |coordinate| of s_t and g_t along the run; never above G.
    x : (R, d) float64, or (R, T+1, d) for ``record="trajectory"``, unit X
        x_T, or the whole path; nan after a run's own T.
    heads : (R, T, d) int32 or None
        The binomial counts drawn, for ``record="trajectory"``; -1 after a run's own T. Where a
        run has several workers, (R, T, n, d) for the largest n, -1 beyond a run's own.
    samples : (R, T, b) int32 or None
        Likewise the indices of the samples drawn from a finite sum, for the largest b; with
        several workers (R, T, n, b).
    """

    inputs: Inputs
    step: np.ndarray
    mean_grad_norm2: np.ndarray
    mean_weighted_grad_norm2: np.ndarray
    objective: np.ndarray
    eta_variation_l1: np.ndarray
    eta_variation_l2: np.ndarray
    adaptive_share: np.ndarray
    max_abs_gradient: np.ndarray
    x: np.ndarray
    heads: np.ndarray | None = None
    samples: np.ndarray | None = None

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return int(self.inputs.cell.max()) + 1

    def rows(self, cell: int) -> np.ndarray:
        """Return the indices of a cell's runs, by replicate."""
        return np.flatnonzero(self.inputs.cell == cell)

    def lhs(self, cell: int) -> np.ndarray:
        """Return each run's (1/T) sum_{t<T} ||grad f(x_t)||^2 in a cell, (n,), unit F^2/X^2."""
        return self.mean_grad_norm2[self.rows(cell), -1]

    def ends(self) -> "Runs":
        """Return the runs with the last checkpoint of their curves alone: a sixtieth of memory."""
        curves = ("step", "mean_grad_norm2", "mean_weighted_grad_norm2", "objective")
        return replace(self, **{name: getattr(self, name)[:, -1:].copy() for name in curves})

    def joined(self, more: "Runs") -> "Runs":
        """Return these runs with later replicates of the same cells, as if run together."""
        order = np.argsort(np.append(self.inputs.cell, more.inputs.cell), kind="stable")
        later = more.arrays()
        return Runs.from_arrays(
            {
                name: np.concatenate([array, later[name]])[order]
                for name, array in self.arrays().items()
            }
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything as named arrays, the inputs as columns."""
        out = {field.name: getattr(self.inputs, field.name) for field in fields(Inputs)}
        for field in fields(self)[1:]:
            array = getattr(self, field.name)
            if array is not None:
                out[field.name] = array
        return out

    def save(self, path: str | Path) -> None:
        """Write an .npz file with these names; whole or not at all."""
        arrays: dict[str, Any] = self.arrays()
        with whole(Path(path)) as file:
            np.savez(file, **arrays)

    @staticmethod
    def load(path: str | Path) -> "Runs":
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If the file cannot be read, is damaged, or does not hold runs.
        """
        arrays = read(path)
        wrong = _unlike_runs(arrays)
        if wrong is not None:
            raise InputError(f"{path} does not hold runs ({wrong}): write it anew.")
        return Runs.from_arrays(arrays)

    @staticmethod
    def from_arrays(arrays: dict[str, np.ndarray]) -> "Runs":
        """Return the runs of which these are the `arrays`."""
        inputs = Inputs(**{field.name: arrays.pop(field.name) for field in fields(Inputs)})
        return Runs(inputs, **arrays)


_OPTIONAL = ("heads", "samples")
_NAMES = [field.name for kind in (Inputs, Runs) for field in fields(kind) if field.name != "inputs"]
_WHOLE = ("b", "T", "workers", "cell", "replicate", "key", "step", *_OPTIONAL)
_CURVES = ("step", "mean_grad_norm2", "mean_weighted_grad_norm2", "objective")


def _unlike_runs(arrays: dict[str, np.ndarray]) -> str | None:
    """Return what keeps arrays from being those of runs, None if nothing does."""
    for name in _NAMES:
        if name not in arrays and name not in _OPTIONAL:
            return f"no array {name!r}"
    rows, points = arrays["T"].size, arrays["step"].shape[-1:]
    for name, array in arrays.items():
        if name not in _NAMES:
            return f"an array {name!r}"
        if array.dtype.kind not in ("iu" if name in _WHOLE else "f"):
            return f"{name} of type {array.dtype}"
        if name in _CURVES:
            fine = array.shape == (rows, *points)
        elif name in ("x", *_OPTIONAL):
            fine = array.ndim >= 2 and len(array) == rows
        else:
            fine = array.shape == ((rows, 2) if name == "key" else (rows,))
        if not (fine and array.size):
            return f"{name} of shape {array.shape}"
    cells = np.unique(arrays["cell"])
    if cells[0] != 0 or cells[-1] != len(cells) - 1:
        return "cells that are not numbered from 0"
    return None


def checkpoints(T: int) -> np.ndarray:
    """Return a run's checkpoints: `CHECKPOINTS` log-spaced whole numbers from 1 to T."""
    spaced = np.rint(np.geomspace(1, T, CHECKPOINTS)).astype(np.int64)
    spaced[0], spaced[-1] = 1, T
    return spaced
