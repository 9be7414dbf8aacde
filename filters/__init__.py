"""Pure judgement: signals, bounds, licence policy, secret and personal-data detection. No I/O, no clock, no randomness."""
