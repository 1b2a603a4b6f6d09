"""PyAV, the only FFmpeg here. Imported by the boxed child (`indexer.boxed`) and nowhere else."""
