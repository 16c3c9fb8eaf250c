"""Which measurement would teach a model most: joint uncertainty of candidates, and a greedy choice among them.

`greedy` chooses, `pool` lays candidates out as points; each property says in its folder's `joint_uncertainty` how
uncertain its model is of many candidates together. docs/use/suggest.md.
"""
