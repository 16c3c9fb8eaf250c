"""Served models: where they come from and what is said of them."""
