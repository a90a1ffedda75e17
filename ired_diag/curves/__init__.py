"""One learning curve in, what its shape says out: where it rests, and why it does not."""
