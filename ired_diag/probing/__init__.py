"""Putting probes to runs: what a checkpoint is to a probe, tables on disk, answers over training."""
