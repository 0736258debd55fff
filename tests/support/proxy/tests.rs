use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

/// A host that sends back what it gets, and a proxy before it.
fn echo() -> Proxy {
    Proxy::start(echoing())
}

fn echoing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

const LIMIT: Duration = Duration::from_secs(20);
/// Long enough for what passes to arrive.
const MOMENT: Duration = Duration::from_millis(150);

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends this and waits until it is back.
fn is_echoed(stream: &mut TcpStream, text: &[u8]) {
    stream.write_all(text).unwrap();
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, text);
}

/// Whether nothing comes for a moment.
fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(MOMENT)).unwrap();
    let read = stream.read(&mut [0; 64]);
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn is_reset(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 64]).is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn in_fair_weather_everything_passes_and_is_counted() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    let long: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut back = vec![0; long.len()];
    let mut reader = stream.try_clone().unwrap();
    let reading = thread::spawn(move || {
        reader.read_exact(&mut back).unwrap();
        back
    });
    stream.write_all(&long).unwrap();
    assert!(reading.join().unwrap() == long);
    assert_eq!((proxy.passed(Way::ToHost), proxy.passed(Way::FromHost)), (3_000_000, 3_000_000));
    assert_eq!(proxy.connections(), 1);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 64]).unwrap(), 0, "the end passes too");
}

#[test]
fn what_a_cut_holds_back_goes_on_when_it_is_healed() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"before");
    proxy.cut();
    stream.write_all(b"during").unwrap();
    assert!(is_silent(&mut stream));
    let mut late = connect(&proxy);
    late.write_all(b"late").unwrap();
    assert!(is_silent(&mut late));
    proxy.heal();
    let mut back = [0; 6];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"during");
    late.read_exact(&mut back[..4]).unwrap();
    assert_eq!(&back[..4], b"late");
}

#[test]
fn one_way_can_be_blocked_alone() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"before");
    proxy.half_open(Way::FromHost);
    stream.write_all(b"there").unwrap();
    assert!(is_silent(&mut stream));
    assert_eq!((proxy.passed(Way::ToHost), proxy.passed(Way::FromHost)), (11, 6));
    proxy.heal();
    is_echoed_only(&mut stream, b"there");
}

fn is_echoed_only(stream: &mut TcpStream, text: &[u8]) {
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, text);
}

#[test]
fn a_reset_ends_what_is_open_and_nothing_else() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"before");
    proxy.reset();
    assert!(is_reset(&mut stream));
    is_echoed(&mut connect(&proxy), b"after");
}

#[test]
fn stranded_connections_say_nothing_and_new_ones_pass() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"before");
    proxy.strand();
    is_echoed(&mut connect(&proxy), b"new");
    stream.write_all(b"old").unwrap();
    assert!(is_silent(&mut stream));
    proxy.reset();
    assert!(is_reset(&mut stream));
}

#[test]
fn a_closed_port_refuses_and_keeps_what_is_open() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"before");
    proxy.refuse();
    let start = std::time::Instant::now();
    let refused = loop {
        match TcpStream::connect(proxy.address()) {
            // Who comes while it is being closed may be cut off in the doorway.
            Err(error) if error.kind() != ErrorKind::ConnectionReset => break error.kind(),
            _ => assert!(start.elapsed() < LIMIT, "the port is closed soon"),
        }
    };
    assert_eq!(refused, ErrorKind::ConnectionRefused);
    is_echoed(&mut stream, b"still");
    proxy.heal();
    let again = loop {
        match TcpStream::connect(proxy.address()) {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed() < LIMIT, "the port is open soon: {error}"),
        }
    };
    again.set_read_timeout(Some(LIMIT)).unwrap();
    is_echoed(&mut { again }, b"after");
}

#[test]
fn the_fault_comes_behind_the_byte_that_was_said() {
    let faults = [Fault::Silence, Fault::Reset, Fault::Stranding];
    for (fault, bytes) in faults.into_iter().flat_map(|fault| [0, 1, 4].map(|bytes| (fault, bytes))) {
        let proxy = echo();
        let mut stream = connect(&proxy);
        is_echoed(&mut stream, b"before");
        proxy.cut_after(Way::FromHost, bytes, fault);
        stream.write_all(b"after!").unwrap();
        let mut back = vec![0; usize::try_from(bytes).unwrap()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, b"after!"[..back.len()], "{fault:?}");
        match fault {
            Fault::Silence => {
                assert!(is_silent(&mut stream));
                proxy.heal();
                is_echoed_only(&mut stream, &b"after!"[back.len()..]);
            }
            Fault::Reset => assert!(is_reset(&mut stream)),
            Fault::Stranding => {
                assert!(is_silent(&mut stream));
                is_echoed(&mut connect(&proxy), b"new");
            }
        }
        assert!(proxy.passed(Way::ToHost) >= 12, "{fault:?} after {bytes}");
    }
}

#[test]
fn latency_delays_and_does_not_slow_down() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"before");
    proxy.latency(MOMENT);
    let start = std::time::Instant::now();
    stream.write_all(b"one").unwrap();
    stream.write_all(b"two").unwrap();
    is_echoed_only(&mut stream, b"onetwo");
    assert!(start.elapsed() >= MOMENT * 2, "{:?}", start.elapsed());
}

#[test]
fn whoever_connects_later_reaches_where_the_host_has_moved() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"here");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.move_to(silent.local_addr().unwrap());
    let mut other = connect(&proxy);
    other.write_all(b"there").unwrap();
    let (mut accepted, _) = silent.accept().unwrap();
    let mut come = [0; 5];
    accepted.read_exact(&mut come).unwrap();
    assert_eq!(&come, b"there");
    is_echoed(&mut stream, b"still here");
}

#[test]
fn a_proxy_ends_with_its_connections() {
    let proxy = echo();
    let mut stream = connect(&proxy);
    is_echoed(&mut stream, b"before");
    drop(proxy);
    assert!(matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_)));
}
