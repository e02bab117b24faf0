"""`adasam check`: a user's own problem, from its file to verdicts, figures and a page.

`user_file`  reads the file.
`claimed`    searches for a point that violates a claimed constant: `places` says where, `measures`
             what is measured, `climbing`, `pairs` and `descents` how.
`power`      how large a violation such a search finds, on laws whose constants are known.
`judging`    what the findings come to, claim by claim.
`watching`   whether runs stay where the claims are made.
`job`        claims, bounds and slopes, in their order; what is saved.
`drawing`    its figures.
`writing`    its tables, sentences and page.
"""
