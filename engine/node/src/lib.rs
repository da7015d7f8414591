//! The Signalbox daemon: links, exchange, HTTP API, operations
