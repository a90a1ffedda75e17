"""Probes whose question is about matrix inversion: its matrices, its floors, its loss."""
