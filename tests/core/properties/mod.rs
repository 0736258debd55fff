//! What holds for every input.

mod frames;
mod machines;
mod messages;
mod records;
