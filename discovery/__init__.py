"""The shop window: what the EHR and its admins see of us."""
