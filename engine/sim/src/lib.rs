//! Deterministic simulation of a cluster over the in-memory backend
