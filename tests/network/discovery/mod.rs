//! Finding hosts by multicast DNS: in network namespaces of the tests' own, where nobody else is.

mod crossed;
mod hostile;
mod hosts;
mod moved;
mod names;
mod net;
mod records;
mod tools;
