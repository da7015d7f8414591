//! Families and choices, rule by rule.

mod choice;
mod family;
