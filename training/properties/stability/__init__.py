"""Stability: formation energy, hull, electrochemical window and interface reactions."""
