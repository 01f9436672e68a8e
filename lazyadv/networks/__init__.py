"""The science: arrays in, arrays and plain outcomes out. Knows no record, no path, no Snakemake."""
