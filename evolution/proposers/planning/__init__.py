"""From feedback to ideas: what the planner is told, what it answers, and which of its ideas may be tried."""
