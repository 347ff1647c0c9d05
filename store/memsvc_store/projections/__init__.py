"""What is made of the truth to look things up: vectors, words, hypergraph, shards, snapshots."""
