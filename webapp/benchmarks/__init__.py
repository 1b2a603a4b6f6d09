"""Measuring: `manage.py bench`. Commands, not tests; each prints what it compared."""
