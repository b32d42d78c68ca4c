"""The demonstration: a real district's week, played through the library's own commands."""
