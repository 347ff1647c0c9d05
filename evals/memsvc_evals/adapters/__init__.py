"""What other people's harnesses expect of a memory backend; `catalogue` says how each is put in."""
