"""The folders of the official MoMask and BAMM releases, read as they were unpacked."""
