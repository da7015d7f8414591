//! Simulators and load generators: SMSC, ESME
