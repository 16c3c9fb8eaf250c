"""Answers from a structure: relaxed by a potential in a process of its own, and set beside what the formula alone says.

`answer` judges one CIF; `folder` many, so that a broken run goes on; `jobs` queues them for the REST service and
`worker` is the process that does the work. Only `answer` loads a potential, when it is asked.
"""
