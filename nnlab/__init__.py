"""nnlab trains, evaluates and compares small neural networks, in plain NumPy and in PyTorch, from one YAML file."""

__version__ = "0.1.0"
