"""A video file becomes searchable vectors. Knows neither Django nor Celery nor `qa`."""
