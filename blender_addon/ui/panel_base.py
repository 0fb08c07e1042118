"""Where Placid's panels are: the tab Placid in the 3D view's sidebar."""


class Tab:
    """Base of the panels."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Placid"
