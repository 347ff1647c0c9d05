"""What the hypergraph says of things: `things` as a person names them, `joins` by NetworkX, `values` for answers."""
