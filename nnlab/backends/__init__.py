"""Backends: what turns a net, the plain maths, into a Model that trains, predicts and saves."""
