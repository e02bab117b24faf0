"""`adasam classroom`: the data of the page that a class plays with.

`page`       from the theory, the questions and the archived runs to one file.
`questions`  the six guided questions, their settings and answers.
`grid`       left sides measured over a grid of settings, kept in grid.json.gz.
"""
