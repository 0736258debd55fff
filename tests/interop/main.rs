//! Peers of version 1: the Python package from PyPI, as controller of our host and as host of our controller.
//!
//! `controller.py` and `host.py` drive and are driven by the package's own code; `driver` is our library at the same work.
//! What came of it is docs/INTEROP.md.

mod as_controller;
mod as_host;
mod driver;
mod homes;
mod peer;
mod table;
