"""Phase equilibria at 0 K from formation energies: hull, windows, reactions. An engine beside the properties."""
