"""What every output is made from, whether it still is, and how a stage runs. Knows no network."""
