"""The stories: the only place that knows the order of stages."""
