"""Looking things up in a namespace: filters, budgets, traces, and flags on what was found."""
