//! The dialog server's surroundings: who runs instructions and calls web services, and who writes down what happened.
//!
//! The dialog server itself is pure and lives in the exchange's thread (`spine`). Here is what it asks for once a commit
//! stands: [`runner`] runs scripts, flows and fixed texts, `calls` calls web services, `recorder` puts lines of history
//! into the catalog's database. Each answer goes back as an event.

