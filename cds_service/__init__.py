"""The machine: how any call of an EHR is answered."""

__version__ = "0.1.0"
