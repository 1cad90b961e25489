"""Loss barriers of many pairs, kind by kind."""
