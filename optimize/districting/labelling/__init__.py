"""The labelling engine: cut edges and borders, with bounds from the dual graph."""
