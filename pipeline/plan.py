"""Source, index and preset become a plan: every decision, before the first frame is decoded."""
