"""A toy property: the density of a compound, by ridge regression on what its atoms weigh and how large they are."""
