"""Test functions of the plane: what an optimiser does where every answer is known."""
