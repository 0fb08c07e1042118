"""Motion to and from rigs: mapping, baking, reading, exporting."""
