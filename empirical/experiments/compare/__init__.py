"""The main job: thresholds over the dimension beside connectivity measured on networks."""
