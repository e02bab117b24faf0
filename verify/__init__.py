"""Evidence, verdicts, the report and the command line."""

from verify.statistics import Interval as Interval
from verify.statistics import Slope as Slope
from verify.statistics import finite_sample_mean as finite_sample_mean
from verify.statistics import log_slope as log_slope
from verify.statistics import normal_mean as normal_mean
from verify.statistics import paired_log_slope as paired_log_slope
from verify.verdict import verdict as verdict
