"""Candidates to judge: formula patterns, families grown from a parent, duplicates removed, known materials marked."""
