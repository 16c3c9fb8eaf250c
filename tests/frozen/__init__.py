"""Frozen answers: what the outside doors say to about 600 requests; `tests/test_frozen_answers.py` compares."""
