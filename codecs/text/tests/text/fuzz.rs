//! Decoders against damaged input, for seconds in every run and for `FUZZ_SECONDS` where asked.

mod mutated;
mod waiting;
