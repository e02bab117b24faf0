"""Evidence, verdicts, the report and the command line."""

from verify.evidence.judge import verdict as verdict
from verify.evidence.statistics import Interval as Interval
from verify.evidence.statistics import Slope as Slope
from verify.evidence.statistics import finite_sample_mean as finite_sample_mean
from verify.evidence.statistics import log_slope as log_slope
from verify.evidence.statistics import normal_mean as normal_mean
from verify.evidence.statistics import paired_log_slope as paired_log_slope
