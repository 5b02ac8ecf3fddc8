"""The program a worker starts inside the sandbox: one job in, progress and one answer out, in JSON."""
