//! Routing as data: rules, number plan, portability table, explanations
