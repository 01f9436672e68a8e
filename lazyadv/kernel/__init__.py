"""The attack's compiled kernel: arrays of numbers in and out, and how numba's code is kept."""
