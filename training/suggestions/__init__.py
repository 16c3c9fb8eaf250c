"""Which measurement would teach a model most: joint uncertainty of candidates, and a greedy choice among them.

`greedy` chooses, `process`, `currents` and `nets` say how uncertain the three models are of many candidates together.
docs/use/suggest.md.
"""
