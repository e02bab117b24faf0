"""What calibration.json holds, as far as the tables need it."""

from typing import Literal

import msgspec


class Share(msgspec.Struct):
    """A counted share with its Clopper-Pearson interval."""

    count: int
    of: int
    share: float
    low: float
    high: float


class At(msgspec.Struct):
    """How often an interval held the truth, at one confidence."""

    share: float
    standing: Literal["short", "ample", "as stated"]


class Covered(msgspec.Struct):
    """An interval on one law or one cell."""

    interval: str
    on: str
    n: int
    at: list[At]


class Looked(msgspec.Struct):
    """An interval looked at several times."""

    interval: str
    on: str
    n: list[int]
    at: list[At]


class Alarms(msgspec.Struct, rename={"at_1": "1", "at_101": "1.01"}):
    """False alarms on a bound at the left side and 1 % above it."""

    at_1: Share
    at_101: Share


class Excess(msgspec.Struct, rename={"half": "0.5", "most": "0.99"}):
    """By how much a bound must be violated, or slack, to be judged so in a share of cases."""

    half: float
    most: float


class Bounded(msgspec.Struct):
    """A bound judged again and again."""

    on: str
    preset: str
    n: int
    reproductions: int
    false_alarms: Alarms
    refuted_from: Excess
    holds_from: Excess


class Verdicts(msgspec.Struct):
    """How often each verdict came up."""

    holds: Share
    inconclusive: Share
    refuted: Share


class Planted(Verdicts):
    """How often each verdict came up on runs of a known slope."""

    slope: float


class Sloped(msgspec.Struct):
    """A slope claim judged again and again."""

    axis: str
    preset: str
    n: int
    reproductions: int
    at: list[At]
    claim: Verdicts
    half_width: float
    planted: list[Planted]


class Calibration(msgspec.Struct):
    """What the tables need of calibration.json."""

    schema: Literal[1]
    quick: bool
    seed: int
    confidences: list[float]
    certainty: float
    coverage: list[Covered]
    looks: list[Looked]
    bounds: list[Bounded]
    slopes: list[Sloped]

    def __post_init__(self) -> None:
        """Refuse rows of unequal lengths."""
        for row in (*self.coverage, *self.looks, *self.slopes):
            if len(row.at) != len(self.confidences):
                raise ValueError("a row has not as many shares as there are confidences")
        if len({tuple(item.slope for item in row.planted) for row in self.slopes}) > 1:
            raise ValueError("the planted slopes are not the same in all rows")
