//! SMPP 3.3, 3.4 and 5.0 without I/O: PDUs, sessions, windows, receipts
