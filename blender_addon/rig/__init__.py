"""A pose of the SMPL-22 skeleton onto any humanoid armature; only `read_rig`, `apply` see bpy."""
