"""Telling adversarial inputs from natural ones: detectors, their trials, an attack that knows them, a benchmark."""
