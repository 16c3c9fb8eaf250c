"""Coatings between an electrolyte and a cathode, or lithium: all lithium compounds of the table screened at once."""
