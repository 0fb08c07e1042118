"""Numbers on joints: features, geometry, foot contact, blending, body model."""
