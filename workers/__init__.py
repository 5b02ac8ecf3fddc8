"""The crew: woken by a message, they fetch bytes, run the craft in a sandboxed child and record what it proved."""
