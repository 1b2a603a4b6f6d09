"""Django admin, placeholder until its tables are registered below."""
