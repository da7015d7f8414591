//! Properties of the text codecs as their users see them, and decoders against mutated input.

mod alphabets;
mod generator;
mod mutated;
mod numbers;
mod parts;
mod waiting;
