//! Peers that do not keep to the protocol, and limits. None of them costs anybody else anything.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;

use opendesk_core::frame::Header;
use opendesk_core::{ErrorCode, Reason, limits};
use opendesk_std::api::{CaptureParams, KeyEvent, PictureFormat, PictureProfile, Press, TextInput, encode};
use opendesk_std::home::Peers;
use opendesk_tests::puppet::Puppet;
use opendesk_tests::raw::{self, Raw};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, Notice};

use crate::{pass, run};

/// What a host says to a peer that it cannot authenticate: `OD2x`, a reason, tries left.
fn refusal(messages: &[Vec<u8>]) -> Option<Reason> {
    match messages {
        [only] if only.starts_with(b"OD2x") => Some(Reason(u16::from_le_bytes([only[4], only[5]]))),
        _ => None,
    }
}

#[test]
fn first_messages_that_are_none_are_refused_with_a_reason() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let long = vec![b'A'; limits::PRE_AUTH_BYTES + 1];
        for (message, reason) in [
            (&b""[..], Reason::MALFORMED),
            (b"hello", Reason::MALFORMED),
            (b"OD2", Reason::MALFORMED),
            (b"OD2A", Reason::FORGED),
            (b"OD2Ashort", Reason::FORGED),
            (b"OD2P", Reason::NOT_PAIRING),
            (b"OD2C", Reason::MISBEHAVED),
            (b"OD2Z", Reason::MALFORMED),
            (&long, Reason::TOO_LARGE),
        ] {
            let mut link = raw::open(rig.address).await.unwrap();
            link.send(message).await;
            let said = link.drain().await;
            assert_eq!(refusal(&said), Some(reason), "{:?}", &message[..message.len().min(8)]);
        }
        client.capabilities().await.unwrap();
        for _ in 0..20 {
            let mut link = raw::open(rig.address).await.unwrap();
            link.send(b"hello").await;
            link.drain().await;
        }
        // W31: ten lines a minute, and in the end how many were left out, though nobody comes any more.
        let log = rig.stop().await;
        let rejected: Vec<_> = log.iter().filter(|entry| entry["type"] == "session.rejected").collect();
        let reasons: Vec<_> = rejected.iter().map(|entry| entry["reason"].as_str().unwrap()).collect();
        assert_eq!(rejected.len(), 10, "{reasons:?}");
        assert!(
            reasons.contains(&Reason::MALFORMED.word()) && reasons.contains(&Reason::TOO_LARGE.word()),
            "{reasons:?}"
        );
        let more: Vec<_> = log.iter().filter(|entry| entry["type"] == "session.rejected.more").collect();
        let [more] = more.as_slice() else { panic!("{more:?}") };
        assert!(more["detail"].as_str().unwrap().ends_with("more were refused before"), "{more}");
    });
}

#[test]
fn pairing_messages_that_are_none_cost_the_link_and_not_the_window() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.show("123456").await;
        let start = [&b"OD2P"[..], &[1; 16], &[0xff; 32]].concat();
        let neutral = [&b"OD2P"[..], &[1; 16], &[0; 32]].concat();
        for first in [b"OD2Pshort".to_vec(), start, neutral] {
            let mut link = raw::open(rig.address).await.unwrap();
            link.send(&first).await;
            assert_eq!(refusal(&link.drain().await), Some(Reason::MALFORMED));
        }
        rig.pair_by("controller", "123456").await.unwrap();
    });
}

#[test]
fn text_messages_end_the_link() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let mut link = raw::open(rig.address).await.unwrap();
        link.send_text("{}").await;
        assert!(link.drain().await.is_empty());
        rig.pair("controller").await;
    });
}

#[test]
fn a_message_over_the_limit_of_the_transport_ends_the_link() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut link = raw::open(rig.address).await.unwrap();
        link.send(&vec![0; 4 * limits::RECORD_BYTES]).await;
        assert!(link.drain().await.is_empty());
        client.capture(&CaptureParams::default()).await.unwrap();
    });
}

#[test]
fn browsers_are_refused() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let address = rig.address;
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(
                stream,
                "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Origin: http://{address}\r\n\r\n"
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
        .await
        .unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    });
}

/// Waits until the host has closed a link on which nothing happens.
async fn is_closed(link: &mut Raw) -> bool {
    tokio::time::timeout(Duration::from_secs(60), link.drain()).await.is_ok()
}

#[test]
fn silent_strangers_lose_their_place_at_the_deadline() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let mut links = Vec::new();
        for _ in 0..limits::HALF_OPEN_PER_ADDRESS {
            links.push(raw::open(rig.address).await.unwrap());
        }
        // The fifth from one address is turned away at once.
        assert!(raw::open(rig.address).await.is_err());
        pass(limits::HANDSHAKE - Duration::from_secs(2)).await;
        assert!(raw::open(rig.address).await.is_err());
        pass(Duration::from_secs(3)).await;
        for link in &mut links {
            assert!(is_closed(link).await);
        }
        raw::open(rig.address).await.unwrap();
        rig.pair("controller").await;
    });
}

#[test]
fn a_connection_that_never_upgrades_loses_its_place_too() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let mut silent = Vec::new();
        for _ in 0..limits::HALF_OPEN_PER_ADDRESS {
            silent.push(tokio::net::TcpStream::connect(rig.address).await.unwrap());
        }
        while raw::open(rig.address).await.is_ok() {}
        pass(limits::HANDSHAKE + Duration::from_secs(1)).await;
        rig.pair("controller").await;
    });
}

#[test]
fn a_host_that_is_silent_is_given_up_after_ten_seconds() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        // Something else listens where the host was.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let home = rig.home("controller");
        let mut peers = Peers::load(&home).unwrap();
        let key = peers.by_name("host").unwrap().public_key;
        peers.set_endpoint(&key, "127.0.0.1", silent.local_addr().unwrap().port()).unwrap();
        // Nobody answers, so the clock jumps from deadline to deadline.
        tokio::time::pause();
        let begun = tokio::time::Instant::now();
        let error = rig.connect("controller").await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
        assert!(begun.elapsed() <= Duration::from_secs(11), "{:?}", begun.elapsed());
    });
}

#[test]
fn nobody_there_is_said_at_once() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let home = rig.home("controller");
        let _files = rig.stop_and_keep().await;
        let options = opendesk_tokio::ConnectOptions { home, peer: "host".into() };
        let error = opendesk_tokio::connect(&options).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("opendesk serve"), "{error}");
    });
}

/// Has the host trust its controller no more, behind both their backs.
fn forget(rig: &Rig) {
    let mut peers = Peers::load(&rig.home("host")).expect("it has paired");
    let key = peers.list()[0].public_key;
    peers.remove(&key).expect("it is there");
}

#[test]
fn an_untrusted_key_learns_that_and_nothing_else() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        // The host forgets the controller; the controller does not know it yet.
        forget(&rig);
        let error = rig.connect("controller").await.unwrap_err();
        let ClientError::Refused { reason, info } = &error else { panic!("{error}") };
        assert_eq!((*reason, info.as_ref().and_then(|info| info.holder.clone())), (Reason::UNTRUSTED, None));
        rig.wait_for(|notice| matches!(notice, Notice::Refused { reason: Reason::UNTRUSTED, .. })).await;
        let log = rig.stop().await;
        assert!(log.iter().any(|entry| entry["type"] == "session.rejected"));
    });
}

#[test]
fn of_a_flood_of_strangers_some_are_logged_and_the_others_are_counted() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        forget(&rig);
        let refused = async || {
            let error = rig.connect("controller").await.unwrap_err();
            assert!(matches!(error, ClientError::Refused { reason: Reason::UNTRUSTED, .. }), "{error}");
        };
        for _ in 0..14 {
            refused().await;
        }
        pass(Duration::from_secs(61)).await;
        refused().await;
        let log = rig.stop().await;
        let of = |kind: &str| log.iter().filter(|entry| entry["type"] == kind).collect::<Vec<_>>();
        assert_eq!(of("session.rejected").len(), 11, "{log:?}");
        let more = of("session.rejected.more");
        assert!(more.len() == 1 && more[0]["detail"] == "4 more were refused before", "{more:?}");
    });
}

#[test]
fn a_controller_that_stops_reading_stalls_only_itself() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("stalled").await;
        rig.pair("other").await;
        let mut stalled = Puppet::open(rig.address, &rig.home("stalled")).await;
        // Pictures of four megabytes each, which nobody reads: the socket is full after the first.
        let params = encode(&FULL).unwrap();
        for _ in 0..limits::CALLS {
            stalled.request("display.capture", &params).await;
        }
        let busy = rig.connect("other").await.unwrap_err();
        assert!(matches!(busy, ClientError::Refused { reason: Reason::BUSY, .. }), "{busy}");
        // The same peer gets its place back although its old link is full (W23).
        let again = rig.connect("stalled").await.unwrap();
        again.capabilities().await.unwrap();
        drop(stalled);
    });
}

#[test]
fn requests_that_break_the_rules_end_only_their_session() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        for wrong in ["number", "record", "length"] {
            let mut puppet = Puppet::open(rig.address, &rig.home("controller")).await;
            let request =
                Header::Request { id: 7, operation: [0; 16], method: "system.capabilities", total: 0, stream: None };
            puppet.frame(&request, &[]).await;
            match wrong {
                // The same number again (W28).
                "number" => puppet.frame(&request, &[]).await,
                "record" => puppet.send(&[0; 40]).await,
                _ => {
                    let short = Header::Request {
                        id: 8,
                        operation: [0; 16],
                        method: "system.capabilities",
                        total: 1,
                        stream: None,
                    };
                    puppet.frame(&short, b"more than announced").await;
                }
            }
            puppet.wait_for_the_end().await;
            rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        }
        rig.connect("controller").await.unwrap().capabilities().await.unwrap();
    });
}

#[test]
fn a_session_of_which_nothing_is_heard_frees_its_place() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("sleeper").await;
        let mut sleeper = Puppet::open(rig.address, &rig.home("sleeper")).await;
        let down = KeyEvent { action: Press::Down, keysym: "shift".into(), modifiers: vec![] };
        sleeper.request("input.key", &encode(&down).unwrap()).await;
        while desktop.held_keys().is_empty() {
            tokio::task::yield_now().await;
        }
        pass(limits::SILENCE + Duration::from_secs(1)).await;
        let ended = rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        assert!(matches!(ended, Notice::SessionEnded { reason: Reason::SILENT, .. }), "{ended:?}");
        rig.connect("sleeper").await.unwrap();
        assert!(desktop.held_keys().is_empty());
    });
}

#[test]
fn calls_that_are_cancelled_at_once_still_count_until_the_desktop_has_let_go_of_them() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let mut puppet = Puppet::open(rig.address, &rig.home("controller")).await;
        let slow = TextInput { text: "x".repeat(1000), interval_ms: 100 };
        puppet.request("input.text", &encode(&slow).unwrap()).await;
        while desktop.editor_text().is_empty() {
            tokio::task::yield_now().await;
        }
        let up = KeyEvent { action: Press::Up, keysym: "shift".into(), modifiers: vec![] };
        let up = encode(&up).unwrap();
        let mut statuses = Vec::new();
        for _ in 0..2 * limits::CALLS {
            puppet.request("input.key", &up).await;
            let id = puppet.last();
            puppet.frame(&Header::Cancel { id }, &[]).await;
            statuses.push(puppet.answer().await.1);
        }
        let refused = ErrorCode::LimitExceeded as u16;
        assert_eq!(statuses.iter().position(|status| *status == refused), Some(2 * limits::CALLS - 1), "{statuses:?}");
        // The end of the session frees all of it at once.
        drop(puppet);
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        let client = rig.connect("controller").await.unwrap();
        client.key(&KeyEvent { action: Press::Up, keysym: "shift".into(), modifiers: vec![] }).await.unwrap();
    });
}

#[test]
fn a_flood_of_pings_keeps_nobody_from_working() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let mut floods = Vec::new();
        for _ in 0..3 {
            let mut link = raw::open(rig.address).await.unwrap();
            floods.push(tokio::spawn(async move { while link.ping().await.is_ok() {} }));
        }
        let client = rig.connect("controller").await.unwrap();
        for _ in 0..50 {
            client.cursor_position().await.unwrap();
        }
        floods.iter().for_each(tokio::task::JoinHandle::abort);
    });
}

const FULL: CaptureParams = CaptureParams {
    display_id: None,
    region: None,
    window_id: None,
    profile: PictureProfile::Native,
    format: PictureFormat::RawRgba,
    cursor: false,
    max_bytes: None,
    unless_shot: None,
};
