"""What the numba engine's loops write down: sums at checkpoints, and every step of a path."""

# numba gives these functions their types; the checker sees only their Python.
# pyright: reportArgumentType=false, reportCallIssue=false

import numpy as np
from numba import njit

from simulators.engines.numba_cpu.layout import (
    ADAPTIVE,
    ADAPTS,
    FIELD_MASK,
    FLOOR,
    GRAD,
    L1,
    L2,
    LARGEST,
    LOG_WIDTH,
    OBJECTIVE,
    ROW,
    RUN_ROW,
    SUM_ROW,
    WEIGHTED,
    WORKERS,
    X,
)
from simulators.engines.numba_cpu.vectors import CALL


@njit(**CALL)
def record(block, t, d, W, plan, room, out):
    """Write what is due after t steps; return when the next is."""
    K, due = out.step.shape[1], 1 << 62
    rows, schedule, columns = plan.row_of[block], plan.schedule[block], room.columns
    run, sums = plan.run[block], plan.sums[block]
    adapts = plan.settings[block, ADAPTS]
    for c in range(len(rows) // W):
        for lane in range(W):
            i = c * W + lane
            row, step, column = rows[i], out.step[schedule[i]], columns[i] if t > 0 else 0
            own, at = c * RUN_ROW * W + lane, c * SUM_ROW * W + lane
            if row >= 0 and column < K and step[column] == t:
                grad, weighted = sums[at + GRAD * W], sums[at + WEIGHTED * W]
                if not adapts:
                    weighted = grad / np.sqrt(np.float64(run[own + FLOOR * W]))
                while column < K and step[column] == t:
                    out.curves[0, row, column] = grad / t
                    out.curves[1, row, column] = weighted / t
                    out.curves[2, row, column] = sums[at + OBJECTIVE * W]
                    column += 1
                if column == K:
                    out.finals[0, row] = sums[at + L1 * W]
                    out.finals[1, row] = sums[at + L2 * W]
                    out.finals[2, row] = sums[at + ADAPTIVE * W] / (d * t)
                    out.finals[3, row] = run[own + LARGEST * W]
                    if out.x.shape[1] == 1:
                        for j in range(d):
                            out.x[row, 0, j] = room.rows[((c * d + j) * ROW + X) * W + lane]
            columns[i] = column
            if row >= 0 and column < K:
                due = min(due, step[column])
    return due


@njit(**CALL)
def record_step(block, t, d, W, plan, room, out):
    """Write every lane's point after step t and the heads that led there."""
    settings = plan.settings[block]
    log, coordinates = settings[LOG_WIDTH], plan.row_of.shape[1] * d
    field = (t % (128 >> log)) << log
    for i in range(plan.row_of.shape[1]):
        row = plan.row_of[block, i]
        if row < 0 or t >= plan.T[block, i]:
            continue
        for j in range(d):
            at = (i // W * d + j) * W + i % W
            out.x[row, t + 1, j] = room.rows[(at - i % W) * ROW + X * W + i % W]
            for worker in range(settings[WORKERS]):
                word = np.int64(room.words[(worker * 4 + field // 32) * coordinates + at])
                out.heads[row, t, worker, j] = (word >> (field % 32)) & settings[FIELD_MASK]
