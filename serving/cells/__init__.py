"""Cells: what two electrolytes make of a cell, at which rate it charges, and what limits it."""
