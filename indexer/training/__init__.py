"""How the alignment head was made, and how to make it again on other data."""
