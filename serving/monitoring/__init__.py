"""Whether to retrain or distrust the served models."""
