"""What is handed out and taken in as files: documents, subtitles, copies of a person's data."""
