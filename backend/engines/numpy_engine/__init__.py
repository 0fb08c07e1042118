"""The embedded model's networks in plain numpy, for Pythons that have nothing else."""
