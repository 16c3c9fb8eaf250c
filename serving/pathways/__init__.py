"""Lithium's ways through a crystal structure: a description of a CIF, and a picture of it."""
