"""Tables become models: sources, splits, recipes, calibration, bundles. Imports features only."""
