"""A system assessed regularly: hard conditions, groups, attacks, drift, and dated reports."""
