"""Pages. Every one asks `visible_to`; what a person may not see does not exist for them (404)."""
