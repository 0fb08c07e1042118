"""A pose of our skeleton onto any humanoid armature; `read_rig`, `record`, `apply` see bpy."""
