//! Properties of the text codecs as their users see them, and decoders against damaged input.

mod alphabets;
mod fuzz;
mod generator;
mod numbers;
mod parts;
