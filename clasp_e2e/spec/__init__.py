"""The requirement catalogue: the basis of every verdict."""
