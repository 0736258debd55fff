use core::num::NonZeroU32;
use std::collections::HashMap;

use zbus::Variant;

use super::*;

const PATH: &str = "/org/freedesktop/Notifications";
const INTERFACE: &str = "org.freedesktop.Notifications";

fn notify(sender: &str, title: &str, milliseconds: i32) -> Message {
    let picture = Variant::from(vec![7_u8; 10_000]);
    let hints: HashMap<&str, Variant<'_>> = HashMap::from([("image-data", picture), ("urgency", Variant::from(1_u8))]);
    let arguments =
        ("mail", 0_u32, "icon", title, "<b>hello</b>\u{1b}", ["default", "Open"].as_slice(), hints, milliseconds);
    let call = Message::method_call(PATH, "Notify").interface(INTERFACE).sender(sender);
    call.build(&arguments).unwrap()
}

fn answer(call: &Message, id: u32) -> Message {
    Message::method_return(&call.header()).sender(":1.1").build(&id).unwrap()
}

fn signal(member: &str, id: u32) -> Message {
    Message::signal(PATH, INTERFACE, member).sender(":1.1").build(&(id, 2_u32)).unwrap()
}

fn see(shown: &mut Shown, message: &Message, now: Instant, timestamp: f64) {
    if let Some(event) = Event::of(message) {
        shown.note(event, now, timestamp);
    }
}

fn titles(shown: &mut Shown, now: Instant) -> Vec<String> {
    shown.list(now).into_iter().map(|notification| notification.title).collect()
}

#[test]
fn a_notification_is_followed_on_the_bus() {
    let (mut shown, now) = (Shown::default(), monotonic());
    let call = notify(":1.5", "first", -1);
    let mut pass = |message: &Message| see(&mut shown, message, now, 5.0);
    pass(&call);
    pass(&notify(":1.5", "never answered", -1));
    pass(&answer(&call, 3));
    let short = notify(":1.6", "short", 1500);
    pass(&short);
    pass(&answer(&short, 4));
    let refused = notify(":1.6", "refused", -1);
    pass(&refused);
    pass(&Message::error(&refused.header(), "org.example.No").build(&"no").unwrap());
    assert_eq!(titles(&mut shown, now), ["short", "first"]);
    let first = shown.list(now).remove(1);
    assert_eq!((first.id.as_str(), first.body.as_str(), first.app.as_deref()), ("3", "hello", Some("mail")));
    assert_eq!(titles(&mut shown, now + Duration::from_millis(1500)), ["first"]);
    see(&mut shown, &signal("ActionInvoked", 3), now, 5.0);
    assert_eq!(titles(&mut shown, now), ["first"]);
    see(&mut shown, &signal("NotificationClosed", 3), now, 5.0);
    assert!(titles(&mut shown, now).is_empty());
}

#[test]
fn a_notification_is_taken_back_and_a_server_takes_all_with_it() {
    let (mut shown, now) = (Shown::default(), monotonic());
    for id in [1, 2, 3] {
        let call = notify(":1.5", &id.to_string(), 0);
        see(&mut shown, &call, now, 0.0);
        see(&mut shown, &answer(&call, id), now, 0.0);
    }
    let close = Message::method_call(PATH, "CloseNotification").interface(INTERFACE).sender(":1.5");
    see(&mut shown, &close.build(&2_u32).unwrap(), now, 0.0);
    assert_eq!(titles(&mut shown, now), ["3", "2", "1"], "the server has not done it");
    see(&mut shown, &signal("NotificationClosed", 2), now, 0.0);
    assert_eq!(titles(&mut shown, now), ["3", "1"]);
    let gone = Message::signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged");
    see(&mut shown, &gone.build(&(INTERFACE, ":1.1", "")).unwrap(), now, 0.0);
    assert!(titles(&mut shown, now).is_empty());
}

#[test]
fn what_is_not_as_it_should_be_tells_nothing() {
    let (mut shown, now) = (Shown::default(), monotonic());
    let call = Message::method_call(PATH, "Notify").interface(INTERFACE).sender(":1.5");
    let call = call.build(&("mail", 0_u32, "no more")).unwrap();
    see(&mut shown, &call, now, 0.0);
    see(&mut shown, &answer(&call, 1), now, 0.0);
    assert!(titles(&mut shown, now).is_empty());
    assert_eq!(call_of(&call.header()).map(|call| call.serial >= NonZeroU32::MIN), Some(true));
}

#[test]
fn a_bus_that_is_not_there_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Shared::default();
    let (_stop, stopped) = async_channel::bounded(1);
    read_along(&format!("unix:path={}", folder.path().join("bus").display()), &shared, &stopped);
    assert!(matches!(shared.await_begin(Duration::ZERO), Phase::Ended(_)));
    assert!(shared.has_ended() && shared.list(monotonic()).is_empty());
}
