"""Looking after an installation: the doctor and the demo."""
