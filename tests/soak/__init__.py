"""Long runs with another seed each time: `make soak`, `python -m tests.soak NAME...`. One module is one soak."""
