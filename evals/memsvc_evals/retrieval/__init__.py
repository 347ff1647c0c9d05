"""How much of the evidence is found, without any model: the service beside plain methods."""
