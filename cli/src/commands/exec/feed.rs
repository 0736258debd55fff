//! Standard input, for a command elsewhere.

use std::io::{self, IsTerminal, Read};
use std::thread;

use async_channel::Receiver;
use opendesk_core::ErrorCode;
use opendesk_std::api::{CommandId, CommandInput, InputTaken, ProcessWrite};
use opendesk_std::tools::{Session, Target};

use super::{FOREVER, is_call};
use crate::args;
use crate::exit::Failure;

/// Bytes that are read and sent at once: few enough that the first line is not waited for, many enough for a distance.
const PART: usize = 256 << 10;

/// What a machine of version 1 gets at most, in one message.
const MOST_AT_ONCE: usize = 8 << 20;

pub(super) fn is_wanted(options: &args::Exec) -> bool {
    options.stdin || (!options.no_stdin && !io::stdin().is_terminal())
}

/// Gives the command what comes on standard input until one of the two has enough.
pub(super) async fn feed(session: &Session, target: &Target, id: CommandId, wanted: bool) -> Result<(), Failure> {
    if !wanted {
        return Ok(());
    }
    let parts = parts()?;
    loop {
        let (data, eof) = match parts.recv().await {
            Ok(part) => (part.map_err(unreadable)?, false),
            Err(_) => (Vec::new(), true),
        };
        // It is taken when the command reads it, and commands may think.
        match session.call_within::<ProcessWrite>(target, &CommandInput { id, data, eof }, FOREVER).await {
            Ok(InputTaken { open: true }) => {}
            Ok(InputTaken { open: false }) => return Ok(()),
            // It has ended, and its end was read before this came.
            Err(error) if is_call(&error, ErrorCode::NotFound) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// All of standard input, if the command gets it.
pub(super) async fn all(options: &args::Exec) -> Result<Option<Vec<u8>>, Failure> {
    if !is_wanted(options) {
        return Ok(None);
    }
    let (parts, mut all) = (parts()?, Vec::new());
    while let Ok(part) = parts.recv().await {
        all.extend(part.map_err(unreadable)?);
        if all.len() > MOST_AT_ONCE {
            let text = "the machine speaks version 1 and takes at most 8 MiB of standard input; give it a file instead";
            return Err(Failure::failed(text));
        }
    }
    Ok(Some(all))
}

/// What comes on standard input, read by a thread that nobody waits for: a terminal may never say another word.
fn parts() -> Result<Receiver<io::Result<Vec<u8>>>, Failure> {
    let (give, parts) = async_channel::bounded(1);
    let read = move || {
        let mut input = io::stdin().lock();
        loop {
            let mut part = vec![0; PART];
            let given = match input.read(&mut part) {
                Ok(0) => return,
                Ok(length) => {
                    part.truncate(length);
                    give.send_blocking(Ok(part))
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    drop(give.send_blocking(Err(error)));
                    return;
                }
            };
            if given.is_err() {
                return;
            }
        }
    };
    let reader = thread::Builder::new().name("stdin".to_owned()).spawn(read);
    reader.map_err(unreadable)?;
    Ok(parts)
}

fn unreadable(error: io::Error) -> Failure {
    Failure::failed(format!("standard input cannot be read: {error}"))
}
