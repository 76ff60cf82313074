"""Tests against programs that others wrote; this will show that the product works with them."""
