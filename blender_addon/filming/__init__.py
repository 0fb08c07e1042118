"""Stage, render settings and the worker that films."""
