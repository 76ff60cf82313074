"""The conformance statement: which rules of CDS Hooks are proven, by which tests."""
