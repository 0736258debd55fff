//! What a notification on the desktop says of a [`Notice`].

use opendesk_core::PairingEnd;

use super::notice::Notice;
use crate::home::printable;
use crate::span::span;

/// Title and text of the notification that the person at the machine is shown; `None` for what they did themselves and
/// for what needs nobody's attention. What a call would do is in none of them: it may be typed text.
pub(super) fn sign(notice: &Notice) -> Option<(String, String)> {
    Some(match notice {
        Notice::SessionOpened { name, address } => {
            (format!("{} drives this machine", printable(name)), format!("From {address}. To stop it: opendesk stop"))
        }
        Notice::SessionEnded { name, reason, lasted } => {
            (format!("{} has gone", printable(name)), format!("After {}: {reason}.", span(*lasted)))
        }
        Notice::Refused { name, key, address, reason } => {
            let who = if name.is_empty() { format!("{key:?}") } else { printable(name) };
            ("A controller was refused".to_owned(), format!("{who} from {address}: {reason}."))
        }
        Notice::Paired { name, words, .. } => {
            let text = match words.as_str() {
                "" => "It speaks version 1, which shows no words to compare.".to_owned(),
                words => format!("Its screen shows: {words}"),
            };
            (format!("{} is paired with this machine", printable(name)), text)
        }
        Notice::WrongCode { address, tries_left } => {
            let left = match tries_left {
                0 => "No try is left.".to_owned(),
                1 => "One try is left.".to_owned(),
                tries => format!("{tries} tries are left."),
            };
            ("A wrong pairing code was tried".to_owned(), format!("From {address}. {left}"))
        }
        Notice::PairingEnded(PairingEnd::WrongCodes) => (
            "The pairing code is void".to_owned(),
            "Wrong ones were tried too often. For another: opendesk pair".to_owned(),
        ),
        Notice::Unpaired { name, key } => {
            (format!("{} is not trusted any more", printable(name)), format!("Its key is {key:?}."))
        }
        Notice::Expired { name, key } => {
            (format!("{} is not trusted any more", printable(name)), format!("Its time is over. Its key is {key:?}."))
        }
        Notice::Asked(question) => (
            format!("{} waits for your approval", printable(&question.peer)),
            format!("It calls {}. To answer: opendesk status --watch", printable(&question.method)),
        ),
        Notice::ControlChanged(None) => {
            ("Every call is refused".to_owned(), "control.json cannot be read. To mend it: opendesk resume".to_owned())
        }
        Notice::NotStored { why } => ("A controller could not be paired".to_owned(), printable(why)),
        Notice::PolicyFailing(Some(why)) => ("Every call is refused".to_owned(), printable(why)),
        Notice::AuditFailing(Some(why)) => ("Actions are refused".to_owned(), printable(why)),
        Notice::PairingOpened
        | Notice::PairingEnded(PairingEnd::Paired | PairingEnd::Expired | PairingEnd::Closed)
        | Notice::Followed { .. }
        | Notice::IdentityRotated { .. }
        | Notice::Decided { .. }
        | Notice::ControlChanged(Some(_))
        | Notice::Paused(_)
        | Notice::PolicyFailing(None)
        | Notice::AuditFailing(None) => return None,
    })
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use opendesk_core::{PublicKey, Reason};

    use super::*;
    use crate::govern::ask::Question;
    use crate::govern::control::Control;

    const KEY: PublicKey = PublicKey([0xab; 32]);
    const HOSTILE: &str = "x\u{1b}[31m\ny\u{202e}";
    const SHOWN: &str = "x\\u{1b}[31m\\ny\\u{202e}";

    fn address() -> String {
        "192.168.1.5:40000".to_owned()
    }

    fn question() -> Notice {
        Notice::Asked(Box::new(Question {
            number: 1,
            peer: HOSTILE.to_owned(),
            fingerprint: format!("{KEY:?}"),
            method: "input.text".to_owned(),
            what: "typed secret".to_owned(),
            why: "the policy asks".to_owned(),
            asked_at: 1.0,
            within: 60,
        }))
    }

    fn said(notice: &Notice) -> (String, String) {
        sign(notice).expect("it is shown")
    }

    #[test]
    fn who_comes_drives_and_goes_is_shown() {
        let name = || "laptop".to_owned();
        let shown = said(&Notice::SessionOpened { name: name(), address: address() });
        assert_eq!(shown.0, "laptop drives this machine");
        assert_eq!(shown.1, "From 192.168.1.5:40000. To stop it: opendesk stop");
        let lasted = Duration::from_secs(7384);
        let shown = said(&Notice::SessionEnded { name: name(), reason: Reason::DONE, lasted });
        assert_eq!(
            (shown.0.as_str(), shown.1.as_str()),
            ("laptop has gone", "After 2 h 3 min: the session was closed.")
        );
        let refused = |name: &str| {
            said(&Notice::Refused { name: name.to_owned(), key: KEY, address: address(), reason: Reason::BUSY })
        };
        assert_eq!(refused("laptop").0, "A controller was refused");
        assert!(refused("laptop").1.starts_with("laptop from 192.168.1.5:40000: another controller is driving"));
        assert!(refused("").1.starts_with("abab:abab:abab:abab from 192.168.1.5:40000: "));
    }

    #[test]
    fn pairing_is_shown_from_the_first_wrong_code_to_the_end_of_the_trust() {
        let paired = |words: &str| said(&Notice::Paired { name: "laptop".into(), key: KEY, words: words.into() });
        assert_eq!(paired("fox hill iris drum").0, "laptop is paired with this machine");
        assert_eq!(paired("fox hill iris drum").1, "Its screen shows: fox hill iris drum");
        assert!(paired("").1.contains("version 1"));
        for (tries_left, left) in [(2, "2 tries are left."), (1, "One try is left."), (0, "No try is left.")] {
            let (title, text) = said(&Notice::WrongCode { address: address(), tries_left });
            assert_eq!((title.as_str(), text.ends_with(left)), ("A wrong pairing code was tried", true), "{text}");
        }
        assert_eq!(said(&Notice::PairingEnded(PairingEnd::WrongCodes)).0, "The pairing code is void");
        for notice in
            [Notice::Unpaired { name: "laptop".into(), key: KEY }, Notice::Expired { name: "laptop".into(), key: KEY }]
        {
            let (title, text) = said(&notice);
            assert_eq!(title, "laptop is not trusted any more");
            assert!(text.ends_with("Its key is abab:abab:abab:abab."), "{text}");
        }
    }

    #[test]
    fn what_the_owner_does_is_not_shown_to_the_owner() {
        for notice in [
            Notice::PairingOpened,
            Notice::PairingEnded(PairingEnd::Paired),
            Notice::PairingEnded(PairingEnd::Expired),
            Notice::PairingEnded(PairingEnd::Closed),
            Notice::Followed { name: "laptop".into(), former: KEY, key: KEY },
            Notice::IdentityRotated { key: KEY },
            Notice::Decided { number: 1, is_allowed: true },
            Notice::ControlChanged(Some(Control::default())),
            Notice::Paused(Some(Duration::from_secs(5))),
            Notice::Paused(None),
            Notice::PolicyFailing(None),
            Notice::AuditFailing(None),
        ] {
            assert_eq!(sign(&notice), None, "{notice:?}");
        }
    }

    #[test]
    fn what_stops_the_host_is_shown() {
        assert_eq!(said(&Notice::ControlChanged(None)).0, "Every call is refused");
        let failing = said(&Notice::PolicyFailing(Some("no JSON".into())));
        assert_eq!((failing.0.as_str(), failing.1.as_str()), ("Every call is refused", "no JSON"));
        let failing = said(&Notice::AuditFailing(Some("no space\nleft".into())));
        assert_eq!((failing.0.as_str(), failing.1.as_str()), ("Actions are refused", "no space\\nleft"));
    }

    #[test]
    fn names_of_other_machines_are_printable_and_what_a_call_does_is_not_shown() {
        let named = |name: &str| {
            let name = name.to_owned();
            [
                Notice::SessionOpened { name: name.clone(), address: address() },
                Notice::SessionEnded { name: name.clone(), reason: Reason::LOST, lasted: Duration::ZERO },
                Notice::Refused { name: name.clone(), key: KEY, address: address(), reason: Reason::BUSY },
                Notice::Paired { name: name.clone(), key: KEY, words: String::new() },
                Notice::Unpaired { name: name.clone(), key: KEY },
                Notice::Expired { name, key: KEY },
                question(),
            ]
        };
        for notice in named(HOSTILE) {
            let (title, text) = said(&notice);
            assert!(format!("{title}{text}").contains(SHOWN), "{title:?}, {text:?}");
            assert_eq!((printable(&title), printable(&text)), (title.clone(), text.clone()));
            assert!(!title.contains("secret") && !text.contains("secret"));
        }
        assert_eq!(said(&question()).1, "It calls input.text. To answer: opendesk status --watch");
    }
}
