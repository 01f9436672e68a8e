"""Records made again, and what that is evidence of."""
