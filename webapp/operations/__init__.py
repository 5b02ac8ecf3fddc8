"""What ops look at: /healthz, /readyz, /metrics, and `walkaround up`."""
