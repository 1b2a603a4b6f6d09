"""The ways in and out of a file: intake, resumable uploads, the body of a request, removal."""
