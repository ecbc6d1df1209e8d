"""Statistics: how often the intervals of ``compare --test`` hold the truth, and how often it calls chance better."""
