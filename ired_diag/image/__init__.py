"""An image drawn by Gaussians: GaussianImage's first baseline, which trains one loss and reports another."""
