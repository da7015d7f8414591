//! Peers that misbehave, on both sides: what they break is theirs alone.

mod bad_esme;
mod bad_smsc;
