//! Finding hosts, keeping their links through faults, and sharing them: over loopback and in network namespaces that the
//! tests make.

mod agent;
mod deadlines;
mod discovery;
mod faults;
mod fleet;
mod gestures;
mod pairing;
mod remote;
mod sharing;
mod tools;

use opendesk_tests::rig::{pass, run};
