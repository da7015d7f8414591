use std::path::PathBuf;

use crate::setting::settings;
use crate::value::Name;

settings! {
    /// Who this node is and where it keeps its data.
    pub struct NodeSettings {
        /// Name of this node in logs, metrics and CDRs; unique among the nodes that write to one place.
        name: Name => "node-1"; restart,
        /// Directory of the store, the catalog and, unless said otherwise, the CDRs. Relative paths begin at the
        /// working directory. It is made when it is not there; one node at a time can have it.
        data_directory: PathBuf = "./var"; restart,
    }
}
