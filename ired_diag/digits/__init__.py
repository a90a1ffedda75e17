"""Handwritten digits: a small network on real data that comes with scikit-learn."""
