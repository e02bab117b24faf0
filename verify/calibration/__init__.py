"""`adasam calibrate`: how often intervals contain what they should, and verdicts are right.

`laws`       distributions whose means are known.
`coverage`   every interval on draws from them, and on sums of looks.
`pools`      runs of the engine whose left sides are known exactly, cut into reproductions.
`verdicts`   intervals and verdicts on those.
`tally`      counts, and what they say with a Clopper-Pearson interval.
`plan`       which cases there are, quick and full; a new one is a `Case` there.
`job`        all of it, part by part, resumable, and the files.
"""

from verify.calibration.job import calibrate as calibrate
