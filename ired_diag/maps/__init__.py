"""Maps: many descents at once, over starts, over noise on the gradient, over neighbouring settings."""
