"""Elastic moduli and band gap of the crystal of a composition: how stiff, how brittle, how insulating."""
