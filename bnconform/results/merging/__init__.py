"""How several runs become one report: what tells one environment from another."""
