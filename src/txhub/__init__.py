"""txhub: watch, query and understand blockchain transactions."""

__version__ = "0.1.0"
