"""Files of tensors, read as data: PyTorch's two formats, shards with an index, distributed checkpoints.

Nothing of a file is imported or run: pickles are read by ``ired_diag.pickled``. Tensors are first
*descriptions* (type, shape, place in a storage), and are made only where their numbers are needed.
"""
