"""The pre-visit brief at chart-open."""
