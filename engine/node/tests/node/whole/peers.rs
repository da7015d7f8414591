//! Public SMPP implementations against the node. One that is missing fails the test: `make deps` installs them.

mod kannel;
mod node_smpp;
mod process;
mod python;

pub use python::python;
