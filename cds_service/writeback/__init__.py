"""An approved note gets into the chart: preflight, what an answer means, finding, comparing, the receipt."""
