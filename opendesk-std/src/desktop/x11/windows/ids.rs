//! How windows are named: by their X11 identifiers, and by how many programs had windows of that number before.

use x11rb::protocol::xproto::Window;

use crate::api::{Error, ErrorCode, window_number};

/// The id of a window: eight hexadecimal digits, as other tools write them, and its generation unless that is the first.
pub(super) fn spell(xid: Window, generation: u32) -> String {
    if generation <= 1 { format!("{xid:#010x}") } else { format!("{xid:#010x}.{generation}") }
}

/// The window that an id names, and its generation; see [`window_number`].
pub(super) fn parse(id: &str) -> Option<(Window, u32)> {
    window_number(id).filter(|(xid, _)| *xid != x11rb::NONE)
}

/// The error of a call that names a window that is not there.
pub(super) fn unknown(id: &str) -> Error {
    Error::new(
        ErrorCode::NotFound,
        format!("there is no open window {id:?}; list the windows again for the ids of those that are there"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_other_tools_write_them() {
        for id in ["0x00600001", "0x600001", "0X600001", "6291457"] {
            assert_eq!(parse(id), Some((0x60_0001, 1)), "{id}");
        }
        assert_eq!(parse("0xffffffff"), Some((u32::MAX, 1)));
        assert_eq!(parse(&spell(0x60_0001, 1)), Some((0x60_0001, 1)));
        assert_eq!(spell(0x60_0001, 1), "0x00600001");
    }

    #[test]
    fn a_number_that_was_given_again_is_another_id() {
        assert_eq!(spell(0x40_000c, 2), "0x0040000c.2");
        for generation in [1, 2, 10, u32::MAX] {
            assert_eq!(parse(&spell(0x40_000c, generation)), Some((0x40_000c, generation)));
        }
        for id in
            ["0x0040000c.", "0x0040000c.0", "0x0040000c.1", "0x0040000c.02", "0x0040000c.+2", "0x0040000c.2.2", ".2"]
        {
            assert_eq!(parse(id), None, "{id:?}");
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for id in
            ["", "0", "0x", "0x0", "+5", "-5", "0x+5", " 5", "5 ", "600001a", "0x1ffffffff", "4294967296", "xterm"]
        {
            assert_eq!(parse(id), None, "{id:?}");
        }
    }
}
