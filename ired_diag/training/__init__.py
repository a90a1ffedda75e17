"""Training: the loss of a step, the average of the weights, evaluation, and the loop around them."""
