"""Make Safe: strikes in any action, found and taken out."""
