"""The revisions; each is named `v<revision>_<what it brings>`."""
