"""Lazy training and adversarial robustness of two-layer ReLU networks, as a pipeline."""

__version__ = "0.1.0"
