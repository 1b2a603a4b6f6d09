"""Answering: replies with citations, what frames say, conversations, the stream of an answer."""
