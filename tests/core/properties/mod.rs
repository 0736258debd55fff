//! What holds for every input.

mod frames;
mod machines;
mod messages;
mod msgpack;
mod records;
mod version_1;
