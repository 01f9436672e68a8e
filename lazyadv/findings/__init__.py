"""What figures share: how claims are stated and judged, what is read off curves, one look for all."""
