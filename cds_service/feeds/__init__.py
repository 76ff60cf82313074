"""Other ways in than a hook call: what an EHR has to be asked for."""
