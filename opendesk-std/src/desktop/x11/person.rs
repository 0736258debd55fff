//! When the person at the machine uses its own mouse or keyboard (XInput 2, raw events).
//!
//! The server tells what every device does, whichever program has the keyboard or has grabbed it, and which device it
//! is. What programs do by XTEST, as we do, comes from two devices that are there for nothing else; what comes from any
//! other is done by a hand. A program of the person's that acts by XTEST, such as a keyboard on the screen or a viewer
//! from elsewhere, cannot be told from us.
//!
//! An event also says which key it is. Nobody looks: the kind of the event and its device are all that is read of it,
//! and it is dropped before the next one is taken. Nothing but that there was one leaves this file (docs/adr/0014).

use core::time::Duration;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use x11rb::connection::RequestConnection as _;
use x11rb::protocol::xinput::{
    self, ConnectionExt as _, Device, DeviceId, DeviceType, EventMask, HIERARCHY_EVENT, RAW_BUTTON_PRESS_EVENT,
    RAW_KEY_PRESS_EVENT, RAW_MOTION_EVENT, RAW_TOUCH_BEGIN_EVENT, RAW_TOUCH_UPDATE_EVENT, XIDeviceInfo, XIEventMask,
};
use x11rb::protocol::xproto::GE_GENERIC_EVENT;

use super::connection::{Fault, Outcome, Server, Slot, Wire};
use crate::api::{Error, Result};

/// The first version that tells of devices which a program has grabbed, and of fingers on a screen.
const VERSION: (u16, u16) = (2, 2);

/// How long nothing is taken once somebody was told: at five times a second, whoever wants to know is late by less than
/// a person notices, and a hand on the mouse costs next to nothing.
const REST: Timespec = Timespec { tv_sec: 0, tv_nsec: Duration::from_millis(200).as_nanos() as i64 };

/// How long a server that went away is left alone: less than a session takes to start on it.
const AGAIN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The two devices of a server for what programs do by XTEST.
const BY_PROGRAMS: [(&[u8], DeviceType); 2] = [
    (b"Virtual core XTEST pointer", DeviceType::SLAVE_POINTER),
    (b"Virtual core XTEST keyboard", DeviceType::SLAVE_KEYBOARD),
];

/// How the devices of an Xwayland are called.
const OF_XWAYLAND: &[u8] = b"xwayland-";

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

    fn begin(&self, used: Box<dyn Fn() + Send + Sync>) -> Result<()> {
        let ear = Slot::open(self.server.clone(), Ear::start)?;
        let failed = |error: std::io::Error| Error::internal(format!("no thread could be started to listen: {error}"));
        let (ours, end) = UnixStream::pair().map_err(failed)?;
        let listener = thread::Builder::new().name("opendesk-person".to_owned());
        listener.spawn(move || listen(&ear, &end, &*used)).map_err(failed)?;
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
        let cannot = |wire: &Wire, why| Err(wire.cannot("noticing the person", why).into());
        let Some(extension) = wire.x.extension_information(xinput::X11_EXTENSION_NAME)? else {
            return cannot(&wire, "has no XInput extension");
        };
        let version = wire.x.xinput_xi_query_version(VERSION.0, VERSION.1)?.reply()?;
        if (version.major_version, version.minor_version) < VERSION {
            return cannot(&wire, "has an XInput extension from before version 2.2");
        }
        // What comes up is no sign: a server lets go of a device's keys by itself. The three of a touch go together.
        let mask = XIEventMask::HIERARCHY
            | XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_MOTION
            | XIEventMask::RAW_TOUCH_BEGIN
            | XIEventMask::RAW_TOUCH_UPDATE
            | XIEventMask::RAW_TOUCH_END;
        // Not those of a pointer on the screen alone: a program may have taken a device away from it.
        let mask = EventMask { deviceid: Device::ALL.into(), mask: vec![mask] };
        wire.x.xinput_xi_select_events(wire.root(), &[mask])?.check()?;
        let devices = devices(&wire)?;
        if is_of_xwayland(&devices) {
            return cannot(&wire, "is an Xwayland, which hears of the person over its own windows only");
        }
        Ok(Self { wire, extension: extension.major_opcode, programs: of_programs(&devices) })
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
            } else if !changed {
                // What came with an answer is not waited for.
                let mut ready = [PollFd::new(end, PollFlags::IN), PollFd::new(self.wire.x.stream(), PollFlags::IN)];
                match poll(&mut ready, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(Fault::Gone(error.to_string())),
                }
                if !ready[0].revents().is_empty() {
                    return Ok(());
                }
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

/// All devices that the server has.
fn devices(wire: &Wire) -> Outcome<Vec<XIDeviceInfo>> {
    Ok(wire.x.xinput_xi_query_device(Device::ALL)?.reply()?.infos)
}

/// The devices by which programs act that ask for no pointer and keyboard but the server's first ones, as we do. Who
/// uses a second pair of them is somebody else.
fn of_programs(devices: &[XIDeviceInfo]) -> Vec<DeviceId> {
    let Some(pointer) = devices.iter().find(|device| device.type_ == DeviceType::MASTER_POINTER) else {
        return Vec::new();
    };
    // The two are attached to each other.
    let first = [pointer.deviceid, pointer.attachment];
    let is_one = |device: &&XIDeviceInfo| {
        first.contains(&device.attachment) && BY_PROGRAMS.contains(&(device.name.as_slice(), device.type_))
    };
    devices.iter().filter(is_one).map(|device| device.deviceid).collect()
}

/// Whether the server shows its windows on a Wayland desktop.
fn is_of_xwayland(devices: &[XIDeviceInfo]) -> bool {
    devices.iter().any(|device| device.name.starts_with(OF_XWAYLAND))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XINPUT: u8 = 131;

    fn device(deviceid: DeviceId, type_: DeviceType, attachment: DeviceId, name: &str) -> XIDeviceInfo {
        XIDeviceInfo { deviceid, type_, attachment, enabled: true, name: name.into(), classes: Vec::new() }
    }

    /// What a server has that somebody sits at.
    fn seat() -> Vec<XIDeviceInfo> {
        vec![
            device(2, DeviceType::MASTER_POINTER, 3, "Virtual core pointer"),
            device(3, DeviceType::MASTER_KEYBOARD, 2, "Virtual core keyboard"),
            device(4, DeviceType::SLAVE_POINTER, 2, "Virtual core XTEST pointer"),
            device(5, DeviceType::SLAVE_KEYBOARD, 3, "Virtual core XTEST keyboard"),
            device(6, DeviceType::SLAVE_POINTER, 2, "Logitech USB Mouse"),
            device(7, DeviceType::SLAVE_KEYBOARD, 3, "AT Translated Set 2 keyboard"),
        ]
    }

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
    fn what_the_first_pointer_and_keyboard_have_for_xtest_is_of_programs() {
        assert_eq!(of_programs(&seat()), [4, 5]);
        assert_eq!(of_programs(&[]), [0_u16; 0]);
        assert_eq!(of_programs(&seat()[..2]), [0_u16; 0], "a server without XTEST");
    }

    #[test]
    fn what_a_second_pointer_and_keyboard_have_is_of_somebody_else_whatever_it_is_called() {
        let mut devices = seat();
        devices.extend([
            device(8, DeviceType::MASTER_POINTER, 9, "Virtual core pointer"),
            device(9, DeviceType::MASTER_KEYBOARD, 8, "Virtual core keyboard"),
            device(10, DeviceType::SLAVE_POINTER, 8, "Virtual core XTEST pointer"),
            device(11, DeviceType::SLAVE_KEYBOARD, 9, "Virtual core XTEST keyboard"),
        ]);
        assert_eq!(of_programs(&devices), [4, 5]);
    }

    #[test]
    fn a_device_that_is_called_alike_is_a_hand_unless_it_is_the_very_one() {
        let mut devices = seat();
        devices.extend([
            device(12, DeviceType::SLAVE_POINTER, 2, "Virtual core XTEST pointer 2"),
            device(13, DeviceType::SLAVE_POINTER, 2, "person XTEST pointer"),
            device(14, DeviceType::FLOATING_SLAVE, 0, "Virtual core XTEST pointer"),
            device(15, DeviceType::SLAVE_KEYBOARD, 3, "Virtual core XTEST pointer"),
        ]);
        assert_eq!(of_programs(&devices), [4, 5]);
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

    #[test]
    fn an_xwayland_is_known_by_its_devices() {
        assert!(!is_of_xwayland(&seat()));
        let mut devices = seat();
        devices.push(device(8, DeviceType::SLAVE_POINTER, 2, "xwayland-pointer:15"));
        assert!(is_of_xwayland(&devices));
    }
}
