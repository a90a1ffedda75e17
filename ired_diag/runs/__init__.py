"""Runs: one seed of one experiment, its configuration, history, checkpoints, and where it came from."""
