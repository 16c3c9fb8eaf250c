"""What a property does to be fitted anew with measurements, and the evidence that retraining judges it by.

`property_job` is the protocol, `plain_job` the job of a property that has none of its own; docs/operate/retraining.md.
"""
