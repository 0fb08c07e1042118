"""Embedded, exported and official folders of weights behind one loader."""
