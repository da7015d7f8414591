//! Tests of the crate from outside, one module for each part.

#![allow(clippy::unwrap_used, clippy::panic)]

mod catalog;
mod dialog;
mod files;
mod participations;
mod plan;
mod reload;
mod settings;
mod values;
