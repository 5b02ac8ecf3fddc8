"""The renditions worth making of a film; never larger than the film."""
