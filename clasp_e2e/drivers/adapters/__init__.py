"""Adapters: small programs that put an implementation behind the driver protocol."""
