"""What models are asked, each a pure function of what it shows, and the `replies` that they are held to."""
