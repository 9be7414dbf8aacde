"""Pure judgement: signals, bounds, licence policy, secrets and personal data. No I/O, no clock, no randomness."""
