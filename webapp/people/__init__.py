"""People and what they may do: access, tokens, audit, limits, the first run."""
