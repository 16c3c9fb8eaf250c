"""The commands of `elyte`, one module each; every module stays light until its command runs."""
