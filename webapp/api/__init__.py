"""The REST API, version 1: the same people, the same permissions, the same code as the pages."""
