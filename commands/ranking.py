"""`bench study rank` and `bench study simulate`."""


def rank() -> None:
    """x."""


def simulate() -> None:
    """x."""
