//! What the person does, for a recording that they have agreed to.

use std::os::unix::net::UnixStream;

use x11rb::protocol::xinput::{
    ConnectionExt as _, DeviceId, HIERARCHY_EVENT, RAW_BUTTON_PRESS_EVENT, RAW_BUTTON_RELEASE_EVENT,
    RAW_KEY_PRESS_EVENT, XIDeviceInfo, XIEventMask,
};
use x11rb::protocol::xproto::{GE_GENERIC_EVENT, MAPPING_NOTIFY_EVENT};

use super::super::connection::{Outcome, Server, Slot, Wire};
use super::devices::{devices, listen_to, of_programs, pointer_of};
use super::keys::Keys;
use super::{is_wanted, listener};
use crate::api::{Button, Point, Press, Result};
use crate::desktop::{Act, Deed, Heard, Recording};

/// Tells what the person does until the recording is dropped, or the server goes.
pub(super) fn start(server: &Server, heard: Heard) -> Result<Recording> {
    let ear = Slot::open(server.clone(), Ear::start)?;
    let ours = listener("opendesk-recorder", move |end| {
        if let Err(error) = ear.with(|ear| ear.listen(end, &heard)) {
            tracing::warn!(%error, "the recording of what the person does has ended");
        }
    })?;
    Ok(Recording::new(ours))
}

/// The connection that hears of devices.
struct Ear {
    wire: Wire,
    /// The number by which the server's events of XInput are known.
    extension: u8,
    devices: Vec<XIDeviceInfo>,
    programs: Vec<DeviceId>,
    keys: Keys,
}

impl Ear {
    fn start(wire: Wire) -> Outcome<Self> {
        let mask = XIEventMask::HIERARCHY
            | XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_BUTTON_RELEASE;
        let (extension, devices) = listen_to(&wire, "recording what the person does", mask)?;
        let (programs, keys) = (of_programs(&devices), Keys::read(&wire)?);
        Ok(Self { wire, extension, devices, programs, keys })
    }

    fn listen(&mut self, end: &UnixStream, heard: &Heard) -> Outcome<()> {
        loop {
            let mut told = Vec::new();
            self.wire.take_events(|event| told.extend(Told::of(event, self.extension)))?;
            let is_quiet = told.is_empty();
            for told in told {
                match told {
                    Told::Devices => {
                        self.devices = devices(&self.wire)?;
                        self.programs = of_programs(&self.devices);
                    }
                    Told::Map => self.keys = Keys::read(&self.wire)?,
                    Told::Used { device, .. } if self.programs.contains(&device) => {}
                    Told::Used { device, kind, detail } => {
                        if let Some(deed) = self.deed(device, kind, detail)? {
                            heard(deed);
                        }
                    }
                }
            }
            if is_quiet && !is_wanted(&self.wire, end)? {
                return Ok(());
            }
        }
    }

    /// What was done, where the pointer is now: a raw event has neither a place nor the modifiers.
    fn deed(&self, device: DeviceId, kind: u16, detail: u32) -> Outcome<Option<Deed>> {
        let Some(pointer) = pointer_of(&self.devices, device) else { return Ok(None) };
        let there = self.wire.x.xinput_xi_query_pointer(self.wire.root(), pointer)?.reply()?;
        // The server leaves out what the three come to.
        let held = there.mods.base | there.mods.latched | there.mods.locked;
        let act = match kind {
            RAW_KEY_PRESS_EVENT => self.keys.act(detail, held),
            _ => button(detail, if kind == RAW_BUTTON_PRESS_EVENT { Press::Down } else { Press::Up }),
        };
        // 16.16 fixed point (XI2 protocol, FP1616); what it points at is a whole pixel.
        let at = Point::new(f64::from(there.root_x >> 16), f64::from(there.root_y >> 16));
        Ok(act.map(|act| Deed { at, modifiers: self.keys.held(held), act }))
    }
}

/// What a button does. Those from 4 to 7 are the wheel, which turns by one click when they go down.
fn button(detail: u32, press: Press) -> Option<Act> {
    let wheel = |right, up| (press == Press::Down).then_some(Act::Wheel { right, up });
    match detail {
        1 => Some(Act::Button(Button::Left, press)),
        2 => Some(Act::Button(Button::Middle, press)),
        3 => Some(Act::Button(Button::Right, press)),
        4 => wheel(0, 1),
        5 => wheel(0, -1),
        6 => wheel(-1, 0),
        7 => wheel(1, 0),
        8 => Some(Act::Button(Button::X1, press)),
        9 => Some(Act::Button(Button::X2, press)),
        _ => None,
    }
}

/// What is read of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Used {
        device: DeviceId,
        kind: u16,
        detail: u32,
    },
    /// There are other devices, or they belong together otherwise.
    Devices,
    /// Keys mean something else.
    Map,
}

impl Told {
    fn of(event: &[u8], extension: u8) -> Option<Self> {
        // Places within every raw event of XInput 2 (XI2 protocol, RawEvent).
        const KIND: usize = 8;
        const DEVICE: usize = 10;
        const DETAIL: usize = 16;
        const SOURCE: usize = 20;
        if event.first()? & 0x7f == MAPPING_NOTIFY_EVENT {
            return Some(Self::Map);
        }
        if event.get(..2)? != [GE_GENERIC_EVENT, extension] {
            return None;
        }
        let number = |at: usize| Some(u16::from_ne_bytes(event.get(at..at + 2)?.try_into().ok()?));
        match number(KIND)? {
            // It comes once more for the pointer or keyboard that the device belongs to.
            RAW_KEY_PRESS_EVENT | RAW_BUTTON_PRESS_EVENT | RAW_BUTTON_RELEASE_EVENT
                if number(DEVICE)? != number(SOURCE)? =>
            {
                None
            }
            kind @ (RAW_KEY_PRESS_EVENT | RAW_BUTTON_PRESS_EVENT | RAW_BUTTON_RELEASE_EVENT) => {
                let detail = u32::from_ne_bytes(event.get(DETAIL..DETAIL + 4)?.try_into().ok()?);
                Some(Self::Used { device: number(SOURCE)?, kind, detail })
            }
            HIERARCHY_EVENT => Some(Self::Devices),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XINPUT: u8 = 131;

    #[test]
    fn an_event_is_its_kind_its_device_and_what_was_pressed() {
        let mut event = vec![0; 40];
        event[..2].copy_from_slice(&[GE_GENERIC_EVENT, XINPUT]);
        event[8..10].copy_from_slice(&RAW_BUTTON_PRESS_EVENT.to_ne_bytes());
        event[10..12].copy_from_slice(&6_u16.to_ne_bytes());
        event[16..20].copy_from_slice(&3_u32.to_ne_bytes());
        event[20..22].copy_from_slice(&6_u16.to_ne_bytes());
        let used = Told::Used { device: 6, kind: RAW_BUTTON_PRESS_EVENT, detail: 3 };
        assert_eq!(Told::of(&event, XINPUT), Some(used));
        assert_eq!(Told::of(&event, XINPUT + 1), None);
        for length in 0..22 {
            assert_eq!(Told::of(&event[..length], XINPUT), None, "{length}");
        }
        let mut again = event.clone();
        again[10..12].copy_from_slice(&2_u16.to_ne_bytes());
        assert_eq!(Told::of(&again, XINPUT), None, "the same of the first pointer");
        event[8..10].copy_from_slice(&HIERARCHY_EVENT.to_ne_bytes());
        assert_eq!(Told::of(&event, XINPUT), Some(Told::Devices));
        assert_eq!(Told::of(&[MAPPING_NOTIFY_EVENT; 32], XINPUT), Some(Told::Map));
    }

    #[test]
    fn the_wheel_turns_once_when_its_button_goes_down() {
        assert_eq!(button(4, Press::Down), Some(Act::Wheel { right: 0, up: 1 }));
        assert_eq!(button(7, Press::Down), Some(Act::Wheel { right: 1, up: 0 }));
        assert_eq!([4, 7, 10, 0].map(|detail| button(detail, Press::Up)), [None; 4]);
        assert_eq!(button(9, Press::Up), Some(Act::Button(Button::X2, Press::Up)));
    }
}
