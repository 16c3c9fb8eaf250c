"""Ionic conductivity: table, Arrhenius physics, members of the ensemble, recipe, evaluation."""
