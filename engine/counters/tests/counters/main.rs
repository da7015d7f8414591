//! The counters from outside, by requirement row and by behaviour.

mod bounds;
mod discriminator;
mod life_cycle;
mod model;
mod policies;
mod restart;
mod rig;
mod rows;
mod white_list;
