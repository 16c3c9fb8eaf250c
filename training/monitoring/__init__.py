"""Whether a served model is asked what it knows, and whether new measurements fall where it said they would.

`drift` judges the distances of requests, `coverage` new measurements against intervals; `rules` holds the limits that
all properties share, `limits` reads those of one, `proportions` has the exact tests. docs/operate/monitoring.md.
"""
