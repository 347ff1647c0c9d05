"""The graph of things as a picture: where everything stands, and that as one HTML file or as a PNG."""
