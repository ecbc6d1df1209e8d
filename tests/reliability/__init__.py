"""Reliability: what the README promises, tried for real: kills, faults, damage, bad input and crowds."""
