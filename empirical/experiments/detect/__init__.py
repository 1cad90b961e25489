"""Detectors against attacks, under one protocol."""
