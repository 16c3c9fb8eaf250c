"""A candidate becomes numbers: parsing, element data, featurizers. Imports nothing else of elyte."""
