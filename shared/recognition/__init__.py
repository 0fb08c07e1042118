"""Which bones of a rig play which joints, by presets, by names and by shape."""
