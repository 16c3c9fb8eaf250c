"""Ranking: which candidates to make next, with the probability that they meet what is wanted, and why."""
