"""Crystals atom by atom: whole atoms for a disordered CIF, and the room that its lithium has to move."""
