"""Tables and cards made from the other rooms' results; nothing imports this one."""
