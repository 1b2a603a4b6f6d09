"""The site: tables, pages, API, ledger and wiring. Knows `indexer` and `qa`; they know neither it nor each other."""
