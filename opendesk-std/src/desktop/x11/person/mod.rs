//! When the person at the machine uses its own mouse or keyboard (XInput 2, raw events).
//!
//! The server tells what every device does, whichever program has the keyboard or has grabbed it, and which device it
//! is. What programs do by XTEST, as we do, comes from two devices that are there for nothing else; what comes from any
//! other is done by a hand. A program of the person's that acts by XTEST, such as a keyboard on the screen or a viewer
//! from elsewhere, cannot be told from us.
//!
//! An event also says which key it is. Nobody looks: the kind of the event and its device are all that is read of it,
//! and it is dropped before the next one is taken. Nothing but that there was one leaves this file (docs/adr/0014). What the
//! person has agreed to have recorded is told by [`record`].

mod devices;
mod keys;
mod record;

use core::time::Duration;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use x11rb::protocol::xinput::{
    DeviceId, HIERARCHY_EVENT, RAW_BUTTON_PRESS_EVENT, RAW_KEY_PRESS_EVENT, RAW_MOTION_EVENT, RAW_TOUCH_BEGIN_EVENT,
    RAW_TOUCH_UPDATE_EVENT, XIEventMask,
};
use x11rb::protocol::xproto::GE_GENERIC_EVENT;

use self::devices::{devices, listen_to, of_programs};
use super::connection::{Fault, Outcome, Server, Slot, Wire};
use crate::api::{Error, Result};
use crate::desktop::Recorder;

/// How long nothing is taken once somebody was told: at five times a second, whoever wants to know is late by less than
/// a person notices, and a hand on the mouse costs next to nothing.
const REST: Timespec = Timespec { tv_sec: 0, tv_nsec: Duration::from_millis(200).as_nanos() as i64 };

/// How long a server that went away is left alone: less than a session takes to start on it.
const AGAIN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Tells whoever asks when the person uses the machine.
pub(super) struct Person {
    server: Server,
    /// A thread listens until its one of these is closed.
    listeners: Mutex<Vec<UnixStream>>,
}

impl Person {
    pub(super) fn new(server: Server) -> Self {
        Self { server, listeners: Mutex::default() }
    }

    /// Has `used` called from a thread with a connection of its own, for as long as this lives. A server that comes
    /// back is listened to again within a second. False where the server does not tell of the person.
    pub(super) fn watch(&self, used: Box<dyn Fn() + Send + Sync>) -> bool {
        let begun = self.begin(used);
        if let Err(error) = &begun {
            tracing::warn!(%error, "the person at the machine is not noticed");
        }
        begun.is_ok()
    }

    /// Tells what the person does, from a thread with a connection of its own.
    pub(super) fn recorder(&self) -> Recorder {
        let server = self.server.clone();
        Box::new(move |heard| record::start(&server, heard))
    }

    fn begin(&self, used: Box<dyn Fn() + Send + Sync>) -> Result<()> {
        let ear = Slot::open(self.server.clone(), Ear::start)?;
        let ours = listener("opendesk-person", move |end| listen(&ear, end, &*used))?;
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(ours);
        Ok(())
    }
}

/// Listens until nobody wants to know any more, on a new connection whenever the server comes back.
fn listen(ear: &Slot<Ear>, end: &UnixStream, used: &dyn Fn()) {
    let mut told: Option<String> = None;
    loop {
        let heard = ear.with(|ear| {
            if told.take().is_some() {
                tracing::info!("the person at the machine is noticed again");
            }
            ear.listen(end, used)
        });
        let Err(error) = heard else { return };
        // A server that is away is so at every attempt.
        if told.as_ref() != Some(&error.message) {
            tracing::warn!(%error, "the person at the machine is not noticed until the X server is back");
            told = Some(error.message);
        }
        if !rest(end, &AGAIN) {
            return;
        }
    }
}

/// Starts a thread that listens until what this gives is dropped; then its end of it is closed.
fn listener(name: &str, listen: impl FnOnce(&UnixStream) + Send + 'static) -> Result<UnixStream> {
    let failed = |error: std::io::Error| Error::internal(format!("no thread could be started to listen: {error}"));
    let (ours, end) = UnixStream::pair().map_err(failed)?;
    thread::Builder::new().name(name.to_owned()).spawn(move || listen(&end)).map_err(failed)?;
    Ok(ours)
}

/// Waits until the server tells something; false when nobody wants to know any more.
fn is_wanted(wire: &Wire, end: &UnixStream) -> Outcome<bool> {
    let mut ready = [PollFd::new(end, PollFlags::IN), PollFd::new(wire.x.stream(), PollFlags::IN)];
    match poll(&mut ready, None) {
        Ok(_) | Err(Errno::INTR) => Ok(ready[0].revents().is_empty()),
        Err(error) => Err(Fault::Gone(error.to_string())),
    }
}

/// Waits; false when nobody wants to know any more.
fn rest(end: &UnixStream, pause: &Timespec) -> bool {
    matches!(poll(&mut [PollFd::new(end, PollFlags::IN)], Some(pause)), Ok(0) | Err(Errno::INTR))
}

/// The connection that hears of devices.
struct Ear {
    wire: Wire,
    /// The number by which the server's events of XInput are known.
    extension: u8,
    /// The devices of programs.
    programs: Vec<DeviceId>,
}

impl Ear {
    fn start(wire: Wire) -> Outcome<Self> {
        // What comes up is no sign: a server lets go of a device's keys by itself. The three of a touch go together.
        let mask = XIEventMask::HIERARCHY
            | XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_MOTION
            | XIEventMask::RAW_TOUCH_BEGIN
            | XIEventMask::RAW_TOUCH_UPDATE
            | XIEventMask::RAW_TOUCH_END;
        let (extension, devices) = listen_to(&wire, "noticing the person", mask)?;
        Ok(Self { wire, extension, programs: of_programs(&devices) })
    }

    /// Calls `used` when the person does something, and returns when nobody wants to know any more.
    fn listen(&mut self, end: &UnixStream, used: &dyn Fn()) -> Outcome<()> {
        loop {
            let (mut somebody, mut changed) = (false, false);
            self.wire.take_events(|event| match Told::of(event, self.extension) {
                Some(Told::Used(device)) => somebody |= !self.programs.contains(&device),
                Some(Told::Devices) => changed = true,
                None => {}
            })?;
            if changed {
                self.programs = of_programs(&devices(&self.wire)?);
            }
            if somebody {
                used();
                if !rest(end, &REST) {
                    return Ok(());
                }
            // What came with an answer is not waited for.
            } else if !changed && !is_wanted(&self.wire, end)? {
                return Ok(());
            }
        }
    }
}

/// What is read of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A device was used.
    Used(DeviceId),
    /// There are other devices, or they belong together otherwise.
    Devices,
}

impl Told {
    /// The rest of the event is not parsed: it says what was pressed and where.
    fn of(event: &[u8], extension: u8) -> Option<Self> {
        // Places within every event of XInput 2 that is asked for here.
        const KIND: usize = 8;
        const SOURCE: usize = 20;
        if event.get(..2)? != [GE_GENERIC_EVENT, extension] {
            return None;
        }
        let number = |at: usize| Some(u16::from_ne_bytes(event.get(at..at + 2)?.try_into().ok()?));
        match number(KIND)? {
            RAW_KEY_PRESS_EVENT
            | RAW_BUTTON_PRESS_EVENT
            | RAW_MOTION_EVENT
            | RAW_TOUCH_BEGIN_EVENT
            | RAW_TOUCH_UPDATE_EVENT => number(SOURCE).map(Self::Used),
            HIERARCHY_EVENT => Some(Self::Devices),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XINPUT: u8 = 131;

    /// A raw event of a device that comes through another one.
    fn event(kind: u16, device: u16, source: u16) -> Vec<u8> {
        let mut event = vec![0; 40];
        event[..2].copy_from_slice(&[GE_GENERIC_EVENT, XINPUT]);
        event[8..10].copy_from_slice(&kind.to_ne_bytes());
        event[10..12].copy_from_slice(&device.to_ne_bytes());
        event[20..22].copy_from_slice(&source.to_ne_bytes());
        event
    }

    #[test]
    fn an_event_is_its_kind_and_the_device_that_it_began_with() {
        for kind in [13, 15, 17, 22, 23] {
            assert_eq!(Told::of(&event(kind, 6, 6), XINPUT), Some(Told::Used(6)), "{kind}");
            assert_eq!(Told::of(&event(kind, 2, 6), XINPUT), Some(Told::Used(6)), "{kind} through the first pointer");
        }
        assert_eq!(Told::of(&event(11, 0, 0), XINPUT), Some(Told::Devices));
        for kind in [0, 1, 14, 16, 24, 25] {
            assert_eq!(Told::of(&event(kind, 6, 6), XINPUT), None, "{kind}");
        }
        assert_eq!(Told::of(&event(17, 6, 6), XINPUT + 1), None, "an event of something else");
    }

    #[test]
    fn what_is_no_event_or_a_part_of_one_is_nothing() {
        let whole = event(17, 6, 6);
        for length in 0..22 {
            assert_eq!(Told::of(&whole[..length], XINPUT), None, "{length}");
        }
        assert_eq!(Told::of(&[0; 32], XINPUT), None);
        let mut from_another_program = whole;
        from_another_program[0] |= 0x80;
        assert_eq!(Told::of(&from_another_program, XINPUT), None);
    }
}
