"""Take it away: a run in the forms that others read."""
