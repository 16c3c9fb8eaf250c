"""Models become answers: Predictor, command line and REST service."""
