"""Reading prompts: encoders and parting into actions."""
