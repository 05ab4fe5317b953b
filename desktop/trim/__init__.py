"""A cut: an edit becomes a plan, the plan becomes a clip, and the clip is verified."""
