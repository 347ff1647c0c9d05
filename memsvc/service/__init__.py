"""What a service is, whichever way it is reached: who may do what, how much of it, and what is told of it."""
