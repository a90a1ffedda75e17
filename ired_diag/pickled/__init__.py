"""Pickles as data: what a pickle holds is read without importing or calling what it names.

A pickle is a program for a small stack machine (Python's ``pickletools`` documents each operation). Python's
own machine imports each named class or function and calls it; that is how a checkpoint can run code. The
machine here has the same operations and makes *placeholders* instead: a class stays a name, a call stays the
name with its arguments. Only a short list of names is replaced by code of ours that builds the same plain
value (``plain_constructors``, ``numpy_constructors``; those of tensors are given by the caller).

Time and memory are bounded by the length of the pickle: nothing of it is hashed but texts and whole numbers,
nothing is compared, and containers are shared as the pickle shares them.
"""
