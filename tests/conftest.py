"""What every test shares: hypothesis examples that are the same on every run and never timed."""

import os

# pytest-xdist runs a process a core; threads of torch's beside them would only get in the way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("adasam", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("adasam")


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers of what ``make test-gpu`` and ``make test-long`` run."""
    config.addinivalue_line("markers", "gpu: needs a CUDA GPU")
    config.addinivalue_line("markers", "long: takes minutes; left out unless asked for")
