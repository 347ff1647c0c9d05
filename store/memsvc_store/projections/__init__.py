"""The room of projections: what is made of the truth to look things up, and can be made again.

shard, columns     one namespace at one version; the one table of its columns
facets             the values of the metadata, by row, that filters asked for
vectors            FAISS
lexical, hypergraph, incidence   BM25 postings; nodes and hyperedges; the rows and names that both are made of
shards, whole      loading, catching up, evicting; a namespace with its cold memories
filtering          a filter as SQL and as a mask, which must say the same
snapshot, verify   a shard on disk; a shard and the rows held against each other
"""
