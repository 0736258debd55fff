//! The desktop that `serve` offers: the one that is there, or the first one that comes.

use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use opendesk_core::ErrorCode;
use opendesk_std::desktop::{self, Backend, Computer};
use opendesk_tokio::StartError;
use tokio::time::{Instant, sleep};

use crate::exit::Failure;
use crate::output;

/// How soon it is looked again at first: somebody is logging in.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How often it is looked in the long run: nobody is there, and each look reads what all processes of the user say.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How long a session that has just begun may take to have a window manager, so that the first to connect finds one.
const SETTLING: Duration = Duration::from_secs(20);

/// Opens the desktop. With `wait` it is waited for where there is none yet: a service may be started before anybody has
/// logged in. `None` when `stop` was ready before.
///
/// # Errors
/// The desktop cannot be opened, and with `wait` also never will be.
pub(super) async fn open(
    backend: Backend,
    wait: bool,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<Option<Arc<dyn Computer>>, Failure> {
    let mut pause = FIRST_PAUSE;
    let mut told = String::new();
    let mut there_since = None;
    loop {
        match desktop::open(backend) {
            Ok(computer) => {
                let since = *there_since.get_or_insert_with(Instant::now);
                if !wait || is_settled(&*computer) || since.elapsed() >= SETTLING {
                    return Ok(Some(computer));
                }
            }
            Err(error) if !wait || error.code == ErrorCode::CapabilityUnsupported => {
                return Err(StartError::Desktop(error).into());
            }
            Err(error) => {
                there_since = None;
                let why = error.to_string();
                if told != why {
                    output::note(&format!("waiting for a desktop: {why}"));
                    told = why;
                }
            }
        }
        tokio::select! {
            () = &mut stop => return Ok(None),
            () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// Whether somebody manages the windows; of what else may be missing, nothing comes by itself.
fn is_settled(computer: &dyn Computer) -> bool {
    !computer.missing().iter().any(|missing| missing.capability == "windows.list")
}

#[cfg(test)]
mod tests {
    use core::future;
    use core::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_desktop_that_is_there_is_not_waited_for() {
        let mut stop = pin!(future::pending());
        let opened = open(Backend::Virtual, true, stop.as_mut()).await.unwrap();
        assert_eq!(opened.map(|computer| computer.name()), Some("virtual"));
    }

    #[tokio::test]
    async fn one_that_never_comes_on_this_system_is_a_failure() {
        let mut stop = pin!(future::pending());
        let failure = open(Backend::MacOs, true, stop.as_mut()).await.err();
        assert_eq!(failure.map(|failure| failure.number()), Some(7));
    }
}
