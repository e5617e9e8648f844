"""Compiled kernels for training, by Numba (an extra); the only importer of it."""
