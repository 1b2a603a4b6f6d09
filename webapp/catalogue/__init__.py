"""Models that may be added to those from PyPI: which there are, what this machine can run, how they come here."""
