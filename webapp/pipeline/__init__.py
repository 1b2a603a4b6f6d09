"""From a file to moments: the ledger of steps, who works on it, and what each step computes."""
