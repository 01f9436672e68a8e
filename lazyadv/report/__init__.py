"""The report: one page of what there is of a preset."""
