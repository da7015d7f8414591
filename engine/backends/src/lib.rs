//! The backend traits' implementations: seeded memory, SQLite, CDR files
