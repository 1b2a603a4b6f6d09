"""Evidence becomes captions, summaries and cited answers. Knows neither Django nor Celery nor `indexer`."""
