"""From feedback to ideas: the planner's prompts, its replies, and which of its ideas may be tried."""
