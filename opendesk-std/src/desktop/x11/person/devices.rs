//! Which of a server's devices are a hand's, and which are there for programs.

use x11rb::connection::RequestConnection as _;
use x11rb::protocol::xinput::{
    self, ConnectionExt as _, Device, DeviceId, DeviceType, EventMask, XIDeviceInfo, XIEventMask,
};

use super::super::connection::{Outcome, Wire};

/// The first version that tells of devices which a program has grabbed, and of fingers on a screen.
const VERSION: (u16, u16) = (2, 2);

/// The two devices of a server for what programs do by XTEST.
const BY_PROGRAMS: [(&[u8], DeviceType); 2] = [
    (b"Virtual core XTEST pointer", DeviceType::SLAVE_POINTER),
    (b"Virtual core XTEST keyboard", DeviceType::SLAVE_KEYBOARD),
];

/// How the devices of an Xwayland are called.
const OF_XWAYLAND: &[u8] = b"xwayland-";

/// Has the server send these events of every device, for `what`. Gives the number by which it sends those of XInput, and the
/// devices that there are.
pub(super) fn listen_to(wire: &Wire, what: &str, mask: XIEventMask) -> Outcome<(u8, Vec<XIDeviceInfo>)> {
    let cannot = |why| Err(wire.cannot(what, why).into());
    let Some(extension) = wire.x.extension_information(xinput::X11_EXTENSION_NAME)? else {
        return cannot("has no XInput extension");
    };
    let version = wire.x.xinput_xi_query_version(VERSION.0, VERSION.1)?.reply()?;
    if (version.major_version, version.minor_version) < VERSION {
        return cannot("has an XInput extension from before version 2.2");
    }
    // Not those of a pointer on the screen alone: a program may have taken a device away from it.
    let mask = EventMask { deviceid: Device::ALL.into(), mask: vec![mask] };
    wire.x.xinput_xi_select_events(wire.root(), &[mask])?.check()?;
    let devices = devices(wire)?;
    if is_of_xwayland(&devices) {
        return cannot("is an Xwayland, which hears of the person over its own windows only");
    }
    Ok((extension.major_opcode, devices))
}

/// All devices that the server has.
pub(super) fn devices(wire: &Wire) -> Outcome<Vec<XIDeviceInfo>> {
    Ok(wire.x.xinput_xi_query_device(Device::ALL)?.reply()?.infos)
}

/// The devices by which programs act that ask for no pointer and keyboard but the server's first ones, as we do. Who
/// uses a second pair of them is somebody else.
pub(super) fn of_programs(devices: &[XIDeviceInfo]) -> Vec<DeviceId> {
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

/// The pointer that a device moves, or that goes with a keyboard.
pub(super) fn pointer_of(devices: &[XIDeviceInfo], device: DeviceId) -> Option<DeviceId> {
    let find = |id: DeviceId| devices.iter().find(|device| device.deviceid == id);
    let master = find(find(device)?.attachment)?;
    match master.type_ {
        DeviceType::MASTER_POINTER => Some(master.deviceid),
        DeviceType::MASTER_KEYBOARD => Some(master.attachment),
        _ => None,
    }
}

/// Whether the server shows its windows on a Wayland desktop.
fn is_of_xwayland(devices: &[XIDeviceInfo]) -> bool {
    devices.iter().any(|device| device.name.starts_with(OF_XWAYLAND))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_keyboard_goes_with_the_pointer_of_its_pair() {
        assert_eq!([6, 7, 4].map(|device| pointer_of(&seat(), device)), [Some(2); 3]);
        let mut devices = seat();
        devices.push(device(14, DeviceType::FLOATING_SLAVE, 0, "Logitech USB Mouse"));
        assert_eq!([14, 99].map(|device| pointer_of(&devices, device)), [None; 2]);
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
    fn an_xwayland_is_known_by_its_devices() {
        assert!(!is_of_xwayland(&seat()));
        let mut devices = seat();
        devices.push(device(8, DeviceType::SLAVE_POINTER, 2, "xwayland-pointer:15"));
        assert!(is_of_xwayland(&devices));
    }
}
