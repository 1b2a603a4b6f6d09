"""The index over the rows: recipes, changes, the snapshot in memory, generations on disk."""
