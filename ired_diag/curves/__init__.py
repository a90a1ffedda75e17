"""One learning curve in, what its shape tells out: where it rests, and why it does not."""
