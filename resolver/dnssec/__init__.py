"""DNSSEC: what signatures and denials prove, as pure functions and steps (RFC 4033 to RFC 4035, RFC 6840, RFC 5155)."""
