//! What the test binaries share. Each of them is a folder beside this one.

#[path = "../support/bin.rs"]
pub mod bin;
#[path = "../support/desktop.rs"]
pub mod desktop;
#[path = "../support/devtools.rs"]
pub mod devtools;
#[path = "../support/fuzz.rs"]
pub mod fuzz;
#[path = "../support/halting.rs"]
pub mod halting;
#[path = "../support/leap.rs"]
pub mod leap;
#[path = "../support/netns.rs"]
pub mod netns;
#[path = "../support/proxy.rs"]
pub mod proxy;
#[path = "../support/puppet.rs"]
pub mod puppet;
#[path = "../support/raw.rs"]
pub mod raw;
#[path = "../support/rig.rs"]
pub mod rig;
#[path = "../support/unit.rs"]
pub mod unit;
#[path = "../support/world.rs"]
pub mod world;
