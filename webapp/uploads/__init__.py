"""Resumable uploads: our tus 1.0 endpoint, served by the `upload` process."""
