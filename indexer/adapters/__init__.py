"""One file per third-party library; nothing heavy is imported before an adapter is first used."""
