"""What a clinician does with a brief: reads, edits, approves or rejects; decisions are data."""
