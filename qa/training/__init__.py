"""How the captioning decoder was made, and how to make it again on other data."""
