"""Retraining: new measurements become a challenger, a challenger becomes champion, or does not, and it is known why.

`training.refitting` has the evidence, `gates` decide by the limits of `rules.toml`, `job` gathers the evidence in
stages that survive a crash, `promotion` moves the alias and keeps the log; docs/operate/retraining.md.
"""
