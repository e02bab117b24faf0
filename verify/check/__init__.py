"""`adasam check`: a user's own problem, from its file to verdicts, figures and a page.

`user_file`  reads the file.
`claimed`    searches for a point that violates a claimed constant.
`job`        claims, bounds and slopes, in their order; what is saved.
`drawing`    its figures.
`writing`    its tables, sentences and page.
"""
