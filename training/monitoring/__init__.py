"""Whether a served model is asked what it knows, and whether new measurements fall where it said they would.

`drift` judges the distances of requests, `coverage` new measurements against intervals; `rules` holds every limit, and
`proportions` the exact tests that both stand on. docs/operate/monitoring.md.
"""
