//! Tests of the node's parts from outside, one binary for all.

mod node {
    mod api;
    mod links;
    mod whole;
}
