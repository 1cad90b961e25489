"""What theory and publications say. Nothing here simulates, and no simulation imports it: each checks the other."""
