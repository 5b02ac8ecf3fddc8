"""The crew: woken by a message, they fetch bytes, run the craft in a sandboxed child, store and record what it proved."""
