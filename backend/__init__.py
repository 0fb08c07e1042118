"""The Placid backend: text-to-motion generation, unlearning, evaluation and serving."""
