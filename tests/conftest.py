"""What every test shares: hypothesis examples that are the same on every run and never timed."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

# pytest-xdist runs a process a core; threads of torch's beside them would only get in the way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings
from matplotlib import mathtext
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

settings.register_profile("adasam", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("adasam")

_read_mathematics = getattr(
    getattr(mathtext.MathTextParser, "_parse_cached", None), "__wrapped__", None
)
_readers: dict[str, mathtext.MathTextParser] = {}


@lru_cache(2000)
def _mathematics(kind: str, *text: Any) -> Any:
    assert _read_mathematics
    return _read_mathematics(_readers[kind], *text)


def _remembered(parser: mathtext.MathTextParser, *text: Any) -> Any:
    return _mathematics(_readers.setdefault(parser._output_type, parser)._output_type, *text)


# Matplotlib reads a text's mathematics anew for each canvas, a quarter of the time of drawing.
if _read_mathematics:  # it is private: another version may have none
    mathtext.MathTextParser._parse_cached = _remembered


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers of what ``make test-gpu`` and ``make test-long`` run."""
    config.addinivalue_line("markers", "gpu: needs a CUDA GPU")
    config.addinivalue_line("markers", "long: takes minutes; left out unless asked for")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each process of a whole suite compile some of numba's kernels, which the others load."""
    config = session.config
    if not hasattr(config, "workerinput") or config.option.file_or_dir:
        return
    from simulators import FiniteSum, SeparableProblem, simulate

    separable = SeparableProblem("huber", "additive", L=1, sigma=0.5, G=1, d=1, start=0.5)
    finite = FiniteSum.synthetic(4, 1, alpha=0.1, seed=1)
    kernels = (
        (separable, "float64"), (separable, "float32"), (finite, "float32"), (finite, "float64"),
    )  # fmt: skip
    number = int(config.workerinput["workerid"].removeprefix("gw"))
    for problem, dtype in kernels[number :: config.workerinput["workercount"]]:
        simulate(
            problem, gamma=0.1, rho=0.1, beta1=0, beta2=1, eps=1, b=1, T=1, runs=1, seed=0,
            engine="numba", device="cpu", dtype=dtype,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _figures_closed() -> Iterator[None]:
    """Let pyplot forget what a test drew: it warns of more than twenty open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


class Reading:
    """What a drawn figure says, in numbers."""

    @staticmethod
    def lines(axes: Axes, by: str = "label") -> dict[str, tuple[list[float], list[float]]]:
        """Return each seen line's x, y by its label or, ``by="colour"``, of those with two
        points or more by its colour; a name that two lines share is an error.
        """
        found: dict[str, tuple[list[float], list[float]]] = {}
        for line in filter(Line2D.get_visible, axes.lines):
            x, y = (np.asarray(part, dtype=float).tolist() for part in line.get_data(orig=True))
            name = str(line.get_label() if by == "label" else to_hex(line.get_color()).upper())
            if by == "label" and name.startswith("_"):
                continue
            if by == "colour" and (len(x) < 2 or line.get_linestyle() == "None"):
                continue
            assert name not in found, f"two lines are called {name}"
            found[name] = x, y
        return found

    @staticmethod
    def points(axes: Axes, by: str = "label") -> dict[str, dict[str, list[float]]]:
        """Return the points with error bars by label or colour: x, y, and the bars' ends."""
        found: dict[str, dict[str, list[float]]] = {}
        for container in axes.containers:
            if not isinstance(container, ErrorbarContainer):
                continue
            line, _, bars = container.lines
            assert line is not None
            x, y = (np.asarray(part, dtype=float).tolist() for part in line.get_data(orig=True))
            name = str(container.get_label()) if by == "label" else line.get_color().upper()
            along = int(container.has_yerr)
            ends = [np.asarray(segment)[:, along] for segment in bars[0].get_segments()]
            low, high = ([end(bar) for bar in ends] for end in (min, max))
            values = {"x": x, "y": y, "low": low, "high": high}
            known = found.setdefault(name, {key: [] for key in values})
            for key, value in values.items():
                known[key] += value
        return found

    @staticmethod
    def bands(axes: Axes) -> dict[str, tuple[list[float], list[float], list[float]]]:
        """Return the filled bands by colour: x, lower and upper edge."""
        found = {}
        for patch in axes.collections:
            if isinstance(patch, FillBetweenPolyCollection):
                corners = np.asarray(patch.get_paths()[0].vertices)
                size = (len(corners) - 3) // 2
                x, low = corners[1 : size + 1].T
                high = corners[size + 2 : 2 * size + 2, 1][::-1]
                colour = to_hex(np.asarray(patch.get_facecolor())[0]).upper()
                assert colour not in found, f"two bands are {colour}"
                found[colour] = x.tolist(), low.tolist(), high.tolist()
        return found

    @staticmethod
    def spans(axes: Axes) -> list[tuple[float, float, float, float]]:
        """Return the rectangles: left, bottom, right, top; 0 and 1 where they span the axes."""
        boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        return [(*box.get_xy(), box.get_x() + box.get_width(), box.get_y() + box.get_height())
                for box in boxes]  # fmt: skip

    @staticmethod
    def texts(axes: Axes) -> dict[str, tuple[float, ...]]:
        """Return what is written on the axes, with the place it is about."""
        return {
            text.get_text(): tuple(getattr(text, "xy", text.get_position())) for text in axes.texts
        }


@pytest.fixture(scope="session")
def read() -> type[Reading]:
    """Return the functions that read numbers back from figures."""
    return Reading


@pytest.fixture(scope="session")
def proof_faults() -> Callable[[Any], list[Any]]:
    """Return the function that checks a proof, which takes seconds, once for all tests."""
    from theory.proof import check

    known: list[tuple[Any, list[Any]]] = []

    def checked(derivation: Any) -> list[Any]:
        for other, faults in known:
            if other == derivation:
                return faults
        known.append((derivation, check(derivation)))
        return known[-1][1]

    return checked


@pytest.fixture(scope="session")
def proof_ends() -> Callable[[], Any]:
    """Return the function that compares the proofs' ends with the bounds once for all tests."""
    from theory.proof import ends

    return cache(ends)
