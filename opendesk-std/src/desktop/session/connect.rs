//! Connections to an X server whose key lies in a file that our own environment does not name.

use std::path::Path;

use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::reexports::x11rb_protocol::xauth::Family;
use x11rb::rust_connection::{DefaultStream, RustConnection};

use super::authority;

/// Connects to a display such as `:0` and gives the number of the screen that it names, too. The key is looked for in
/// `authority`, or where our own `XAUTHORITY` says if there is none.
///
/// # Errors
/// Why it failed, without the name of the display.
pub(crate) fn connect(display: &str, authority: Option<&Path>) -> Result<(RustConnection, usize), String> {
    let Some(authority) = authority else {
        return RustConnection::connect(Some(display)).map_err(|error| error.to_string());
    };
    let parsed = parse_display(Some(display)).map_err(|error| error.to_string())?;
    let screen = usize::from(parsed.screen);
    // A server that asks for no key is used without one.
    let (keys, unread) = match authority::read(authority) {
        Ok(keys) => (keys, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut failure = "it names no address".to_owned();
    for address in parsed.connect_instruction() {
        let (stream, (family, host)) = match DefaultStream::connect(&address) {
            Ok(connected) => connected,
            Err(error) => {
                failure = error.to_string();
                continue;
            }
        };
        let is_for = |entry: u16, entry_host: &[u8]| {
            let entry = Family::from(entry);
            entry == Family::WILD || (entry == family && entry_host == host)
        };
        let key = authority::find(&keys, parsed.display, is_for);
        let found = key.is_some();
        let (method, secret) = key.map(|key| (key.method.to_vec(), key.secret.to_vec())).unwrap_or_default();
        return match RustConnection::connect_to_stream_with_auth_info(stream, screen, method, secret) {
            Ok(connection) => Ok((connection, screen)),
            Err(error) => Err(refusal(&error.to_string(), authority, unread.as_ref(), found)),
        };
    }
    Err(failure)
}

fn refusal(reason: &str, authority: &Path, unread: Option<&std::io::Error>, found: bool) -> String {
    let file = authority.display();
    match unread {
        Some(error) => format!("{reason}; its key is in {file}, which cannot be read: {error}"),
        None if found => format!("{reason}; the key in {file} was shown"),
        None => format!("{reason}; {file} has no key for it"),
    }
}
