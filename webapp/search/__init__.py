"""Finding: moments for a query, filters, pictures to search with, recommendations."""
